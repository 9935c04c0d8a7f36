// Makes runs, files and artifacts as W&B's client does: fast, and with exactly the values that a
// test needs.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

/** The team of a controller without users. */
export const TEAM = 'home';
/** How many requests are under way at once. */
const AT_ONCE = 16;

const md5 = (content) => createHash('md5').update(content).digest('base64');

/** Someone who logs to a project of a lab without users. */
export class Logger {
  constructor(lab, project) {
    this.lab = lab;
    this.project = project;
  }

  async #ask(query, variables) {
    const body = JSON.stringify({ query, variables });
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(`${this.lab.address}/graphql`, { method: 'POST', headers, body });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    const { data, errors } = JSON.parse(text);
    assert.equal(errors, undefined, text);
    return data;
  }

  async #stream(run, body) {
    const target = `/files/${TEAM}/${this.project}/${run}/file_stream`;
    const request = { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(this.lab.address + target, request);
    assert.equal(answer.status, 200, await answer.text());
  }

  /**
   * Begins a run, whose name is its id: with a config, tags, notes, a group, and the goals of
   * metrics, `min` or `max`.
   */
  async run(name, { config = {}, tags = [], notes, group, goals = {}, title = name } = {}) {
    const values = Object.entries(config).map(([key, value]) => [key, { value }]);
    // Goals are definitions of metrics, in the form of the client: 2 means to maximize.
    const m = Object.entries(goals).map(([key, goal]) => ({ 1: key, 8: goal === 'max' ? 2 : 1 }));
    const written = { ...Object.fromEntries(values), _wandb: { value: { m } } };
    const query =
      'mutation U($input: UpsertBucketInput!) { upsertBucket(input: $input) { inserted } }';
    const input = {
      entityName: TEAM,
      modelName: this.project,
      name,
      displayName: title,
      tags,
      config: JSON.stringify(written),
      ...(group && { groupName: group }),
      ...(notes && { notes }),
    };
    await this.#ask(query, { input });
    return name;
  }

  /** Logs the first rows of a run. A row may name its `_step`. */
  async rows(run, rows) {
    const content = rows.map((row, at) => JSON.stringify({ _step: at, _timestamp: at, ...row }));
    await this.#stream(run, { files: { 'wandb-history.jsonl': { offset: 0, content } } });
  }

  /** Ends a run. */
  async finish(run) {
    await this.#stream(run, { complete: true, exitcode: 0 });
  }

  /** Makes runs with their rows, many at once. They end, unless they have `live`. */
  async runs(all) {
    let next = 0;
    const work = async () => {
      while (next < all.length) {
        const { name, rows = [], live = false, ...said } = all[next++];
        await this.run(name, said);
        await this.rows(name, rows);
        if (!live) await this.finish(name);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  /** Stores a file of a run. */
  async file(run, path, content) {
    const asked = await this.#ask(
      'mutation F($run: String!, $project: String!, $files: [String!]!) { createRunFiles(input: ' +
        `{entityName: "${TEAM}", projectName: $project, runName: $run, files: $files}) ` +
        '{ files { uploadUrl } } }',
      { run, project: this.project, files: [path] },
    );
    await this.#put(asked.createRunFiles.files[0].uploadUrl, content);
  }

  /** Makes a version with these files: their contents by their paths. */
  async artifact(run, name, kind, files, said = {}) {
    const digest = md5(JSON.stringify(files));
    const contents = {};
    for (const [path, content] of Object.entries(files)) {
      contents[path] = { digest: md5(content), size: Buffer.byteLength(content) };
    }
    const made = await this.#ask(
      'mutation C($input: CreateArtifactInput!) { createArtifact(input: $input) { artifact { id } } }',
      {
        input: {
          entityName: TEAM,
          projectName: this.project,
          runName: run,
          artifactTypeName: kind,
          artifactCollectionName: name,
          digest,
          clientID: `${name}-${digest}`,
          aliases: [{ artifactCollectionName: name, alias: 'latest' }],
          ...said,
        },
      },
    );
    const { id } = made.createArtifact.artifact;
    const artifactFiles = Object.entries(contents).map(([path, { digest }]) => ({
      artifactID: id,
      name: path,
      md5: digest,
    }));
    const asked = await this.#ask(
      'mutation F($input: CreateArtifactFilesInput!) { createArtifactFiles(input: $input) ' +
        '{ files { edges { node { name uploadUrl } } } } }',
      { input: { artifactFiles } },
    );
    for (const { node } of asked.createArtifactFiles.files.edges) {
      if (node.uploadUrl) await this.#put(node.uploadUrl, files[node.name]);
    }
    const manifest = JSON.stringify({ version: 1, contents });
    const place = await this.#ask(
      'mutation M($input: CreateArtifactManifestInput!) { createArtifactManifest(input: $input) ' +
        '{ artifactManifest { file { uploadUrl } } } }',
      { input: { artifactID: id, digest: md5(manifest), type: 'FULL' } },
    );
    await this.#put(place.createArtifactManifest.artifactManifest.file.uploadUrl, manifest);
    await this.#ask(
      'mutation C($id: ID!) { commitArtifact(input: {artifactID: $id}) { artifact { id } } }',
      { id },
    );
    return id;
  }

  /** Notes that a run uses a version, which `artifact` has made. */
  async use(run, id) {
    await this.#ask(
      'mutation U($input: UseArtifactInput!) { useArtifact(input: $input) { artifact { id } } }',
      {
        input: { entityName: TEAM, projectName: this.project, runName: run, artifactID: id },
      },
    );
  }

  async #put(url, content) {
    const { pathname, search } = new URL(url, this.lab.address);
    const target = this.lab.address + pathname + search;
    const answer = await fetch(target, { method: 'PUT', body: content });
    assert.equal(answer.status, 200, await answer.text());
  }
}
