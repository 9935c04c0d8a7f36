// Makes runs and artifacts for the tests, with the calls of W&B's client.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

/** The team of a controller without users. */
export const TEAM = 'home';

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
    return JSON.parse(text).data;
  }

  /** Begins a run, whose name is its id. */
  async run(name) {
    const query =
      'mutation U($input: UpsertBucketInput!) { upsertBucket(input: $input) { bucket { name } } }';
    await this.#ask(query, { input: { entityName: TEAM, modelName: this.project, name } });
    return name;
  }

  /** Ends a run. */
  async finish(run) {
    const target = `/files/${TEAM}/${this.project}/${run}/file_stream`;
    const body = JSON.stringify({ complete: true, exitcode: 0 });
    const answer = await fetch(this.lab.address + target, { method: 'POST', body });
    assert.equal(answer.status, 200, await answer.text());
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
