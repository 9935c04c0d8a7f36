// Decides whether a text fits what the reader typed. This module is pure.

/** Whether each word that the reader typed occurs in the text, in any order and case. */
export function match(typed: string, text: string): boolean {
  const lower = text.toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}
