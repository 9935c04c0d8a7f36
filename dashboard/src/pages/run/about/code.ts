// Reads what is known about the code and the machine of a run: what the SDK reports, and the files
// of W&B's client. This module is pure.

import type { Json } from '../../../api/types';
import { fields, list, text } from '../media/values';

export interface Code {
  /** Facts with their names, in the order of the page. */
  facts: [string, string][];
  /** The changes that no commit has. */
  diff: string;
  /** The packages with their versions. */
  packages: [string, string][];
}

/** The files in which W&B's client writes about the code. */
export const FILES = ['wandb-metadata.json', 'requirements.txt', 'diff.patch'];

function joined(value: Json | undefined): string {
  if (Array.isArray(value))
    return value.map((one) => (typeof one === 'string' ? one : '')).join(' ');
  return typeof value === 'number' ? String(value) : text(value);
}

/** The packages of a `requirements.txt`. */
export function packagesOf(requirements: string): [string, string][] {
  return requirements.split('\n').flatMap((line): [string, string][] => {
    const clean = line.replace(/(^|\s)#.*$/, '').trim();
    if (!clean || clean.startsWith('-')) return [];
    const [, name = clean, version = ''] = /^([^=<>~!@\s]+)\s*(?:==)?\s*(.*)$/.exec(clean) ?? [];
    return [[name, version]];
  });
}

/** Puts together what the run reports and what the files of W&B's client say. */
export function codeOf(reported: Json, files: Record<string, string>): Code {
  const own = fields(reported);
  let meta: Json = null;
  try {
    meta = JSON.parse(files['wandb-metadata.json'] ?? 'null') as Json;
  } catch {
    // A file that is no JSON tells nothing.
  }
  const said = fields(meta);
  const git = fields(said.git);
  const gpus = list(said.gpu_nvidia).map((gpu) => text(fields(gpu).name));
  const all: [string, string][] = [
    ['Command', joined(own.command)],
    ['Program', joined(own.program) || joined(said.codePath) || joined(said.program)],
    ['Arguments', joined(said.args)],
    ['Commit', joined(own.git_commit) || joined(git.commit)],
    ['Branch', joined(own.git_branch)],
    ['Remote', joined(own.git_remote) || joined(git.remote)],
    ['Folder', joined(own.directory) || joined(said.root)],
    ['Host', joined(own.host) || joined(said.host)],
    ['System', joined(own.os) || joined(said.os)],
    ['Architecture', joined(own.architecture)],
    ['Python', joined(own.python) || joined(said.python)],
    ['SDK', joined(own.sdk)],
    ['CPUs', joined(own.cpus) || joined(said.cpu_count_logical)],
    ['GPU', joined(own.gpu) || joined(said.gpu) || [...new Set(gpus)].join(', ')],
    ['GPUs', gpus.length > 1 ? String(gpus.length) : ''],
    ['Started by', joined(said.executable)],
  ];
  const known = Object.entries(fields(own.packages)).map(([name, version]): [string, string] => [
    name,
    joined(version),
  ]);
  const listed = packagesOf(files['requirements.txt'] ?? '');
  return {
    facts: all.filter(([, value]) => value !== ''),
    diff: text(own.git_diff) || (files['diff.patch'] ?? ''),
    packages: known.length > 0 ? known : listed,
  };
}
