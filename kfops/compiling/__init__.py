"""How a pipeline becomes a package, one idea a module.

source.py      a notebook or a file -> the code to execute, cell by cell
loading.py     executes that code and finds its pipeline function
build.py       pipeline function -> Argo workflow, with kfp
finish.py      workflow -> Package: version_id, annotations, images, text
parameters.py  workflow -> typed parameters
text.py        workflow -> YAML
problems.py    exception -> CompileError that points into the user's code
sandbox.py     runs a function in a forked child with limits
zygote.py      a process that has imported kfp and forks once per request; and its client
context.py     what versioned_image() and materialize_model() must know while a pipeline compiles
"""
