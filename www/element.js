// The one way in which elements are made here.
//
// Children are elements or strings, and a string becomes a text node, whatever is in it.

/** An element with attributes and children. */
export function make(tag, attributes = {}, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
