"""Stand-ins for what kfops talks to: real sockets, false behaviour."""
