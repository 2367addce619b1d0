"""Faults that the sample can have, and for each what an audit must and may say of it."""

FAULTS, LIVE_FAULTS, TOUR = {}, {}, ()
