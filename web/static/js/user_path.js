// The address of the page about somebody, as pages/filters.py makes it on the server.

// A browser would take these parts of a path for something else: none at all, "." and "..".
const LOST_IN_A_PATH = /(?:^|\/)\.{0,2}(?:\/|$)/;

export function userPath(userId, bot = "") {
  const inQuery = LOST_IN_A_PATH.test(userId);
  const path = inQuery ? "/users" : `/users/${userId.split("/").map(encodeURIComponent).join("/")}`;
  const asked = new URLSearchParams({ ...(inQuery && { id: userId }), ...(bot && { bot }) });
  return asked.size ? `${path}?${asked}` : path;
}
