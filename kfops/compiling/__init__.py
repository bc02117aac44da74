"""How a pipeline becomes a package, one idea a module.

source.py      a notebook or a file -> the code to execute, cell by cell
loading.py     executes that code and finds its pipeline function
build.py       pipeline function -> Argo workflow, with kfp
lean.py        keeps kfp from work that changes nothing about the workflow, for the length of a compile;
               replacements.py and rewriting.py have what stands in for its functions meanwhile, overlay.py
               what both need for that
finish.py      workflow -> Package: version_id, annotations, images, text
parameters.py  workflow -> typed parameters
text.py        workflow -> YAML that all parsers read alike, by an emitter of its own
problems.py    exception -> CompileError that points into the user's code
sandbox.py     answers each request in a forked child with limits; child.py is that child
orphans.py     ends what such a child leaves behind
zygote.py      a process that has imported kfp and has a child ready for the next request; and its client
context.py     what versioned_image() and materialize_model() must know while a pipeline compiles
"""
