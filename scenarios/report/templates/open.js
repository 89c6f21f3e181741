// Unfold what the address names.  Without this the page only scrolls there, and one opens it oneself.
const unfold = () => {
  const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = place?.closest("details");
  if (folded && !folded.open) {
    folded.open = true;
    place.scrollIntoView();
  }
};
addEventListener("hashchange", unfold);
unfold();
