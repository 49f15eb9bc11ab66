"""What can go wrong with a simulation itself."""


class SimulationError(Exception):
    """Base of all errors of the simulation."""


class DeadlockError(SimulationError):
    """Nothing is ready, and no timer will make anything ready."""


class StuckError(SimulationError):
    """The simulation took more steps, or more virtual time, than any run of this size needs."""


class BrokenGuaranteeError(SimulationError):
    """The product broke a guarantee; the text says which, and where."""
