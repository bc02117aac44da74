"""What the worker process does for the server extension.

channel.py      JSON messages, one a line, over the socket that the server holds the other end of
calls.py        each request in a thread of its own; its log, its cancellation, its error
connections.py  one connection per configuration, made anew when it fails or its configuration changes
sources.py      what the server has read of a notebook, a file or a package -> Package
watches.py      what somebody looks at, watched once however many look
methods/        the methods that can be asked for: thin functions over the kfops API
"""
