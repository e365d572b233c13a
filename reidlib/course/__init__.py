"""Assignments: releases made from sources, submissions run in confinement, graded by nbgrader.

`sets` makes what students get; `collect`, `restore`, `pool`, `grading` and `gradebook` take what
they hand in, in this order. A submission is code of somebody else: it runs in a `worker`, inside
`confine`, and nothing of nbgrader, the gradebook or the sources is touched until all have ended.
"""
