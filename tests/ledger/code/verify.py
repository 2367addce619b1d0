"""Counts what was pulled."""


def main(connection) -> int:
    return connection.execute("select count(*) from ledger.invoice").fetchone()[0]
