// Typeset every formula of the page. A wrong one is shown in red, and the tests find it.
for (const place of document.querySelectorAll(".tex")) {
  const displayMode = place.tagName === "DIV";
  katex.render(place.textContent, place, { displayMode, throwOnError: false });
}
