"""Several gateways on one log: one decides, the others follow it and pass on to it what it must decide."""
