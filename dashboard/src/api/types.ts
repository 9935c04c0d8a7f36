// The types of the controller's API. A test writes this file from the Rust types:
// BESOM_WRITE_TYPES=1 cargo test -p controller --lib api::web::types

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type Problem = { 
/**
 * The status of HTTP.
 */
status: number, 
/**
 * The kind of the problem.
 */
title: string, 
/**
 * One sentence that says what is wrong.
 */
detail: string, 
/**
 * The advice on what to do about it.
 */
hint: string | null, };

export type Session = { 
/**
 * The name of the user; `null` for the administrator's token, and if the caller is not known.
 */
user: string | null, 
/**
 * The team of the user.
 */
team: string, 
/**
 * Whether the caller may do everything.
 */
admin: boolean, 
/**
 * Whether nobody has to log in.
 */
open: boolean, 
/**
 * The version of the controller.
 */
version: string, };

export type Projects = { projects: Array<Project>, };

export type Project = { team: string, name: string, 
/**
 * The number of its runs.
 */
runs: number, 
/**
 * The number of its runs that are not over.
 */
live: number, 
/**
 * The number of its sweeps.
 */
sweeps: number, 
/**
 * When its newest run or sweep was created, in milliseconds since 1970.
 */
last_ms: number, 
/**
 * The best result of its newest sweep that has a result.
 */
best: Best | null, };

export type Best = { sweep: string, metric: string, maximize: boolean, value: number, };
