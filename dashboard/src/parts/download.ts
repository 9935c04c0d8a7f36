// Saves what the page made as a file.

/** How long the browser may take to begin the download, in milliseconds. */
const BEGIN = 10_000;

/** The longest name of a file, in letters. */
const LONGEST = 80;

/** A name of a file that every system takes, from parts such as a project and a chart. */
export function fileName(parts: readonly string[], ending: string): string {
  const words = parts.map((part) =>
    part.replace(/[^\w.-]+/g, '_').replace(/^[_.-]+|[_.-]+$/g, ''),
  );
  return `${words.filter(Boolean).join('-').slice(0, LONGEST) || 'chart'}.${ending}`;
}

export function save(name: string, type: string, contents: string | Blob): void {
  const url = URL.createObjectURL(new Blob([contents], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name.replace(/[^\w.-]+/g, '_');
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), BEGIN);
}
