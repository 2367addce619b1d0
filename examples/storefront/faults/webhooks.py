"""Faults of phase 3: a change is not announced, goes elsewhere, or is answered and dropped."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import replaced

from .choosing import living, rows, some_tenant
from .editing import SYNC_SERVICE
from .subscribing import subscribed, unsubscribed

if TYPE_CHECKING:
    from ..sample import Sample

OAUTH_SERVICE = "app/services/shopify/oauth_service.py"
ENDPOINT = "app/api/v1/endpoints/shopify_webhooks.py"
DELIVERY = "app/services/shopify/delivery.py"
# By their topics' first word, the resources whose three topics nothing else depends on.
PLAIN = {"locations": "location", "draft_orders": "draft_order", "customers": "customer", "products": "product"}
# How much of a resource goes unseen once its deliveries are not taken.
MISSED = ["raw_differs_from_source", "field_differences", "webhooks_arrive"]
SILENT = [*MISSED, "webhooks_come_without_a_gap"]
FAILED_SHARE = 0.02  # of all deliveries; an audit tolerates 1 %
TRIES = 5  # of the provider, before it gives a delivery up
# What an audit sends to see it refused.
FORGERIES = [
    "without a signature",
    "signed with another secret",
    "altered after it was signed",
    "signed without the blanks that it holds",
    "signed with blanks that it does not hold",
]


def subscription_removed(sample: "Sample", random: Random) -> Planted:
    """A delivery fails until the provider gives it up and removes the subscription; the record still lists it."""
    tenant, shop = some_tenant(random)
    location = random.choice(living(sample, tenant, "location"))
    topic = "locations/update"
    sample.source_control("faults", {"bad_signature": [topic], "remove_failing_subscriptions": True})
    sample.record(shop, "locations", "update", int(location), phone="+1 555 0100")
    sample.settle()
    sample.source_control("faults", {"bad_signature": None, "remove_failing_subscriptions": None})
    removed = Expected("wanted_topics_are_registered", scope={"tenant": tenant, "resource": "location"}, keys=[topic])
    recorded = Expected("recorded_topics_are_registered", scope={"tenant": tenant}, keys=[topic])
    return Planted(
        "subscription_removed",
        mode=46,
        how="caused",
        must=[removed, recorded],
        may=[*MISSED, "deliveries_succeed", "deliveries_were_taken"],
    )


def registration_refused(sample: "Sample", random: Random) -> Planted:
    """The provider refuses a topic when the shop's webhooks are registered anew."""
    tenant, shop = some_tenant(random)
    group = random.choice(list(PLAIN))
    topic = f"{group}/{random.choice(['create', 'update', 'delete'])}"
    unsubscribed(sample, shop, topic)
    sample.source_control("faults", {"refused_topics": [topic]})
    sample.integration("register", {"shop": shop})
    sample.source_control("faults", {"refused_topics": None})
    failed = Expected("registration_succeeded", scope={"tenant": tenant}, keys=["partial"])
    scope = {"tenant": tenant, "resource": PLAIN[group]}
    missing = Expected("wanted_topics_are_registered", scope=scope, keys=[topic])
    return Planted("registration_refused", mode=46, how="caused", must=[failed, missing])


def registered_elsewhere(sample: "Sample", random: Random) -> Planted:
    """A topic is registered by hand to the address of another deployment."""
    tenant, shop = some_tenant(random)
    topic = f"{random.choice(list(PLAIN))}/delete"
    unsubscribed(sample, shop, topic)
    subscribed(sample, shop, topic, "https://staging.storefront.example/api/v1/integrations/shopify/webhooks")
    elsewhere = Expected("webhook_addresses_right", scope={"tenant": tenant}, keys=[topic])
    return Planted("registered_elsewhere", mode=0, how="caused", must=[elsewhere])


def record_forgets_a_topic(sample: "Sample", random: Random) -> Planted:
    """The record of what is registered comes from a backup that is older than a topic."""
    tenant, _ = some_tenant(random)
    topic = f"{random.choice(list(PLAIN))}/update"
    statement = """update integration set metadata_info = jsonb_set(metadata_info, '{webhook_registration,topics}', (
            select jsonb_agg(one) from jsonb_array_elements(metadata_info #> '{webhook_registration,topics}') as one
            where one ->> 'topic' <> %s))
        where name = %s returning name"""
    rows(sample, statement, [topic, tenant])
    forgotten = Expected("recorded_topics_are_registered", scope={"tenant": tenant}, keys=[topic])
    return Planted("record_forgets_a_topic", mode=0, how="edited", must=[forgotten])


def topic_dropped_from_code(sample: "Sample", random: Random) -> Planted:
    """A topic is taken out of the code's list; shops that connected before still have it."""
    group = random.choice(list(PLAIN))
    action = random.choice(["create", "update", "delete"])
    replaced(sample.code / OAUTH_SERVICE, f'        "{group}/{action}",\n', "")
    scope = {"resource": PLAIN[group]}
    dropped = Expected("wanted_topics_are_in_the_code", scope=scope, keys=[f"{group}/{action}"])
    open_end = Expected("create_update_delete_covered", scope=scope, keys=[action])
    return Planted("topic_dropped_from_code", mode=48, how="caused", must=[dropped, open_end])


def handler_removed(sample: "Sample", random: Random) -> Planted:
    """A topic loses its handler: it is still registered, and what comes is answered with success and dropped."""
    from ..sample import TENANTS

    topic = random.choice(["customers/disable", "orders/paid", "draft_orders/delete", "refunds/create"])
    _without_handler(sample, topic)
    dropped = Expected("topics_have_handlers", keys=[topic])
    sent = [Expected("subscriptions_are_wanted", scope={"tenant": tenant}, keys=[topic]) for tenant in TENANTS]
    return Planted("handler_removed", mode=45, how="caused", must=[dropped, *sent])


def subscription_left_over(sample: "Sample", random: Random) -> Planted:
    """The code gives a topic up, and nobody removes the subscriptions of the shops that have it."""
    from ..sample import TENANTS

    topic = "app/uninstalled"
    replaced(sample.code / OAUTH_SERVICE, f'        "{topic}",\n', "")
    _without_handler(sample, topic)
    sent = [Expected("subscriptions_are_wanted", scope={"tenant": tenant}, keys=[topic]) for tenant in TENANTS]
    return Planted("subscription_left_over", mode=0, how="caused", must=sent)


def signature_compared_plainly(sample: "Sample", random: Random) -> Planted:
    """The signature is compared by ==, whose time tells an attacker how much of a guess is right."""
    path = sample.code / DELIVERY
    signature = '(signature or "").encode()'
    line = replaced(path, f"return hmac.compare_digest(expected, {signature})", f"return expected == {signature}")
    plain = Expected("signature_verified_in_code", keys=[f"{DELIVERY}:{line}"])
    return Planted("signature_compared_plainly", mode=0, how="caused", must=[plain])


def signature_of_parsed_body(sample: "Sample", random: Random) -> Planted:
    """The signature is made of the body as it is written out again after parsing, which is not what was signed."""
    path = sample.code / ENDPOINT
    signed = "signed = deliveries.is_signed(body, "
    replaced(path, signed, "signed = deliveries.is_signed(json.dumps(json.loads(body)).encode(), ")
    wrong = Expected("signature_verified_in_code")
    return Planted("signature_of_parsed_body", mode=0, how="caused", must=[wrong])


def signature_check_removed(sample: "Sample", random: Random) -> Planted:
    """The branch that refuses what is not signed is taken out of the code; what runs is still the older version."""
    path = sample.code / ENDPOINT
    branch = re.search(r"    if not signed .*\n(?: {8}.*\n)+", path.read_text(encoding="utf-8"))
    assert branch is not None
    replaced(path, branch[0], "")
    removed = Expected("signature_verified_in_code")
    return Planted("signature_check_removed", mode=0, how="caused", must=[removed])


def forgeries_accepted(sample: "Sample", random: Random) -> Planted:
    """What runs takes deliveries whatever their signature, though its code says otherwise."""
    sample.backend_control("faults", {"no_signature_check": True})
    refused = Expected("forged_deliveries_refused", keys=FORGERIES)
    kept_out = Expected("forged_deliveries_not_stored", keys=FORGERIES)
    return Planted("forgeries_accepted", mode=0, how="caused", must=[refused, kept_out])


def forgeries_answered_with_an_error(sample: "Sample", random: Random) -> Planted:
    """A delivery that is not signed right makes the receiver fail, as far as its sender can tell."""
    sample.backend_control("faults", {"fail_on_forgeries": True})
    failing = Expected("forged_deliveries_refused", keys=FORGERIES)
    return Planted("forgeries_answered_with_an_error", mode=0, how="caused", must=[failing])


def forgeries_stored_and_refused(sample: "Sample", random: Random) -> Planted:
    """The receiver stores what comes, verifies it then, and refuses what it has stored."""
    sample.backend_control("faults", {"store_before_verifying": True})
    stored = Expected("forged_deliveries_not_stored", keys=FORGERIES)
    return Planted("forgeries_stored_and_refused", mode=0, how="caused", must=[stored])


def repeats_taken_again(sample: "Sample", random: Random) -> Planted:
    """A delivery that comes a second time is taken for a new one."""
    sample.backend_control("faults", {"store_duplicates": True})
    twice = Expected("repeated_delivery_changes_nothing")
    may = ["deliveries_stored_twice", "consecutive_duplicate_hashes"]
    return Planted("repeats_taken_again", mode=42, how="caused", must=[twice], may=may)


def missing_webhook_unexplained(sample: "Sample", random: Random) -> Planted:
    """The comment that says why a resource has no webhooks gets lost, or loses its source."""
    resource, name = random.choice([("payout", "Payout"), ("gift_card", "GiftCard")])
    whole = random.choice([True, False])
    path = sample.code / SYNC_SERVICE
    note = re.search(rf"    # Note: {name} does not(?:.*\n)+?    # Source: .*\n", path.read_text(encoding="utf-8"))
    assert note is not None
    replaced(path, note[0], "" if whole else "".join(note[0].splitlines(keepends=True)[:-1]))
    # Without the comment there is still the document's table, which names neither date nor source.
    lacking = ["date", "source"] if whole else ["source"]
    silent = Expected("missing_webhooks_are_documented", scope={"resource": resource}, keys=lacking)
    return Planted("missing_webhook_unexplained", mode=0, how="caused", must=[silent])


def topics_ruled_out(sample: "Sample", random: Random) -> Planted:
    """The parameter file says that the provider has no topics for locations, which it has."""
    wanted = "webhooks: [locations/create, locations/update, locations/delete]"
    replaced(sample.parameters, wanted, "no_webhooks: the provider has no topic; read by the regular sync")
    must = [
        Expected("what_is_ruled_out_has_no_topic", keys=["location"]),
        Expected("available_changes_are_wanted", keys=["location"]),
    ]
    may = ["missing_webhooks_are_documented", "documents_name_every_topic"]
    return Planted("topics_ruled_out", mode=46, how="edited", must=must, may=may)


def topics_not_wanted(sample: "Sample", random: Random) -> Planted:
    """The parameter file wants two resources' creation alone, though the provider tells of what becomes of them."""
    chosen = sorted(random.sample(["product", "inventory_item", "location", "draft_order"], 2))
    for resource in chosen:
        topics = f"{resource}s/create, {resource}s/update, {resource}s/delete"
        replaced(sample.parameters, f"webhooks: [{topics}]", f"webhooks: [{resource}s/create]")
    few = Expected("available_changes_are_wanted", keys=chosen)
    return Planted("topics_not_wanted", mode=0, how="edited", must=[few])


def deletion_ruled_out(sample: "Sample", random: Random) -> Planted:
    """The parameter file says that a resource is never deleted, which the provider has a topic for."""
    resource = random.choice(["product", "inventory_item", "location"])
    topics = f"{resource}s/create, {resource}s/update"
    told = f"webhooks: [{topics}]\n    never: {{delete: it is archived and stays}}"
    replaced(sample.parameters, f"webhooks: [{topics}, {resource}s/delete]", told)
    wrong = Expected("what_is_ruled_out_has_no_topic", keys=[resource])
    return Planted("deletion_ruled_out", mode=0, how="edited", must=[wrong])


def topic_mistyped(sample: "Sample", random: Random) -> Planted:
    """The parameter file wants a topic by a name that the provider does not have."""
    replaced(sample.parameters, "[locations/create, locations/update,", "[locations/create, locations/updated,")
    missing = Expected("wanted_topics_exist", keys=["locations/updated"])
    may = ["wanted_topics_are_in_the_code", "wanted_topics_are_registered", "documents_name_every_topic"]
    return Planted("topic_mistyped", mode=46, how="edited", must=[missing], may=may)


def deliveries_refused(sample: "Sample", random: Random) -> Planted:
    """The provider signs with a new secret that the integration does not know, and every delivery is refused."""
    tenant, shop = some_tenant(random)
    customers = living(sample, tenant, "customer")
    random.shuffle(customers)
    total = int(rows(sample, "select count(*) from shopify_webhook_delivery", [])[0][0])
    sample.source_control("faults", {"bad_signature": True})
    ids: list[str] = []
    for number, customer in enumerate(customers[: 1 + round(FAILED_SHARE * total / TRIES)]):
        ids += sample.record(shop, "customers", "update", int(customer), note=f"Called, {number}")["deliveries"]
    sample.settle(timeout=60)
    sample.source_control("faults", {"bad_signature": None})
    refused = Expected("deliveries_succeed", keys=ids)
    return Planted("deliveries_refused", mode=0, how="caused", must=[refused], may=[*MISSED, "deliveries_were_taken"])


def deliveries_given_up(sample: "Sample", random: Random) -> Planted:
    """For a while nobody listens at the address of the webhooks, and the provider gives up what it sent then."""
    tenant, shop = some_tenant(random)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"  # free, and closed once the block ends
    with _moved(sample, address):
        customers, ids = _updated_customers(sample, tenant, shop, random)
    given_up = Expected("deliveries_were_taken", scope={"tenant": tenant}, keys=ids)
    must = [given_up, _old_customers(tenant, customers, "UNDELIVERED")]
    return Planted("deliveries_given_up", mode=0, how="caused", must=must, may=SILENT)


def answered_by_another(sample: "Sample", random: Random) -> Planted:
    """For a while a stand-in answers at the address of the webhooks, with success, and keeps nothing."""
    tenant, shop = some_tenant(random)
    with ThreadingHTTPServer(("127.0.0.1", 0), _StandIn) as stand_in:
        threading.Thread(target=stand_in.serve_forever, daemon=True).start()
        with _moved(sample, f"http://127.0.0.1:{stand_in.server_port}"):
            customers, ids = _updated_customers(sample, tenant, shop, random)
        stand_in.shutdown()
    unknown = Expected("taken_deliveries_are_logged", scope={"tenant": tenant}, keys=ids)
    must = [unknown, _old_customers(tenant, customers, "NEVER_RECEIVED")]
    return Planted("answered_by_another", mode=44, how="caused", must=must, may=SILENT)


class _StandIn(BaseHTTPRequestHandler):
    """Answers every delivery with success."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def _moved(sample: "Sample", address: str) -> Iterator[None]:
    """Let deliveries go to another host until what happens in the block has come to rest."""
    sample.source_control("webhooks/move", {"from": sample.backend_url, "to": address})
    yield
    sample.settle(timeout=60)
    sample.source_control("webhooks/move", {"from": address, "to": sample.backend_url})


def _updated_customers(sample: "Sample", tenant: str, shop: str, random: Random) -> tuple[list[str], list[str]]:
    """Change so many customers that their deliveries are a share that no audit tolerates; the ids of both."""
    query = """select count(*) from shopify_webhook_delivery as one join integration on integration.id = integration_id
        where integration.name = %s"""
    customers = living(sample, tenant, "customer")
    random.shuffle(customers)
    chosen = customers[: 2 + round(FAILED_SHARE * int(rows(sample, query, [tenant])[0][0]))]
    ids: list[str] = []
    for number, customer in enumerate(chosen):
        ids += sample.record(shop, "customers", "update", int(customer), note=f"Called, {number}")["deliveries"]
    return chosen, ids


def _old_customers(tenant: str, customers: list[str], cause: str) -> Expected:
    scope = {"tenant": tenant, "resource": "customer"}
    return Expected("raw_differs_from_source", scope=scope, keys=customers, cause=cause)


def _without_handler(sample: "Sample", topic: str) -> None:
    path = sample.code / ENDPOINT
    entry = re.search(rf'    "{re.escape(topic)}": .*\n', path.read_text(encoding="utf-8"))
    assert entry is not None
    replaced(path, entry[0], "")
