"""nbgrader's settings for this course: read by `reid assignments`, `reid grade` and nbgrader."""

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.course_id = "video-reid"

# A stub that returns a plausible number would teach nothing.
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("not implemented yet")'}
c.ClearSolutions.text_stub = "*Your answer here.*"

# A notebook's cell names are unique; its kernel is whatever Python the student has.
c.IncludeHeaderFooter.header = ""
