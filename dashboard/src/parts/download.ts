// Saves a text that the page made as a file.

/** How long the browser may take to begin the download, in milliseconds. */
const BEGIN = 10_000;

export function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name.replace(/[^\w.-]+/g, '_');
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), BEGIN);
}
