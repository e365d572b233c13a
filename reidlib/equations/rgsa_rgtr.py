from reidlib.equations.core import Equation

EQUATIONS: tuple[Equation, ...] = ()
