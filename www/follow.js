// Keeps the end of a growing page in view, and lets go as soon as the reader scrolls up.
//
// Only the direction of the last movement counts. A margin ("near enough to the end") would take
// small movements back, and a reader on a touchpad would pull against the page.

/** Follows the end of the page. `button` leads back to it, and is hidden while it is in view. */
export function follow(button) {
  const page = document.scrollingElement;
  const below = () => page.scrollHeight - page.clientHeight - page.scrollTop;
  let following = true;
  let top = page.scrollTop;

  function toEnd() {
    following = true;
    button.hidden = true;
    page.scrollTop = page.scrollHeight;
  }

  addEventListener(
    "scroll",
    () => {
      // Positions are fractions on some screens, and the end is then missed by less than a pixel.
      if (below() < 2) following = true;
      else if (page.scrollTop < top) following = false;
      top = page.scrollTop;
      button.hidden = following;
    },
    { passive: true },
  );
  button.addEventListener("click", toEnd);

  return { toEnd, grown: () => following && toEnd() };
}
