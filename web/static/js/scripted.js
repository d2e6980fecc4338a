// Runs before the first paint, so that what needs a script takes its place at once.
document.documentElement.classList.add("scripted");
