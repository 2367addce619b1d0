FAULTS: dict = {}
TOUR: tuple = ()
