// The contrast of every text on the page, by WCAG 2.2's success criterion 1.4.3
// (https://www.w3.org/TR/WCAG22/#contrast-minimum).

/** Runs in the page, and so uses nothing from outside itself: the texts below 4.5 to 1. */
export function contrasts() {
  const channels = (color) => {
    const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
    return { rgb: [red, green, blue], alpha };
  };

  const luminance = (rgb) => {
    const [red, green, blue] = rgb
      .map((channel) => channel / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };

  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { rgb, alpha } = channels(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return luminance(rgb);
      if (alpha > 0) throw new Error(`half a background: ${at.className || at.tagName}`);
    }
    throw new Error("no background");
  };

  const contrast = (element, color) => {
    const both = [luminance(channels(color).rgb), behind(element)];
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  };

  const hasText = (element) =>
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());

  const shown = [...document.body.querySelectorAll("*")].filter(
    (element) => element.checkVisibility() && !element.closest(".unseen, option"),
  );
  const texts = [
    ...shown.filter(hasText).map((element) => [element, getComputedStyle(element).color]),
    ...shown
      .filter(({ placeholder }) => placeholder)
      .map((element) => [element, getComputedStyle(element, "::placeholder").color]),
    ...shown
      .filter(({ tagName }) => tagName === "SELECT")
      .map((element) => [element, getComputedStyle(element).color]),
  ];
  const faint = texts
    .map(([element, color]) => [element.outerHTML.slice(0, 60), contrast(element, color)])
    .filter(([, ratio]) => ratio < 4.5);
  return { count: texts.length, faint, paper: behind(document.body) };
}
