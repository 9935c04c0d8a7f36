// Reads a value of a config or a summary as a person types it. This module is pure.

import type { Json } from '../api/types';

/** `0.1`, `true`, `null`, lists and objects mean what they mean in JSON; all else is a text. */
export function readValue(text: string): Json {
  const trimmed = text.trim();
  try {
    return JSON.parse(trimmed) as Json;
  } catch {
    return trimmed;
  }
}

/** How a value is typed, so that reading it gives the same value. */
export function writeValue(value: Json): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return readValue(value) === value ? value : JSON.stringify(value);
}

type JsonObject = { [key: string]: Json };

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object that changes the value at a path of a config, such as `net.depth`. */
export function atPath(config: JsonObject, name: string, value: Json): JsonObject {
  if (!Object.hasOwn(config, name)) {
    for (const [key, inner] of Object.entries(config)) {
      if (!name.startsWith(`${key}.`) || !isObject(inner)) continue;
      return { [key]: atPath(inner, name.slice(key.length + 1), value) };
    }
  }
  return { [name]: value };
}
