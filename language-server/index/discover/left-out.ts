/** Which files the model never reads, and why. The rules check the name first, so that a secret is not even opened. */

import path from 'node:path';
import { isMinified } from './minified';
import { findSecret } from './secrets';

export type LeftOutReason =
  | 'excluded by you'
  | 'excluded by a setting' // files.exclude, fasa.repository.exclude
  | 'ignored' // .gitignore, .ignore, .fasaignore, installed packages
  | 'secret'
  | 'generated' // lock files, source maps, declared output
  | 'data' // notebooks, tables, drawings: text that is not written by hand
  | 'minified'
  | 'binary'
  | 'too large'
  | 'unreadable'
  | 'symbolic link'
  | 'outside the folder'
  | 'empty'
  | 'over the budget'; // over the index size limit; the protocol and the settings of users have this name

/** Bytes; larger files are data or generated. */
export const maxFileBytes = 256 * 1024;
/** Bytes; the limit for a file that the user included. */
export const maxChosenBytes = 4 * 1024 * 1024;

/**
 * How far the user has included a file. `included`: by a choice on the file, or on a folder around it. `confirmed`: by a
 * choice on the file itself, after a question that showed what looks like a secret in it.
 */
export type Inclusion = 'none' | 'included' | 'confirmed';

/** Whether the user's choice includes a file that the rules leave out. A binary is of no use to the model. */
function bringsIn(inclusion: Inclusion, reason: LeftOutReason): boolean {
  return reason === 'secret' ? inclusion === 'confirmed' : inclusion !== 'none' && reason !== 'binary';
}

const secretNames =
  /^(?:\.env(?:\..*)?|\.envrc|\.netrc|_netrc|\.pgpass|\.my\.cnf|\.s3cfg|\.dockercfg|\.vault-token|kubeconfig|service-account.*\.json|.*\.tfstate(?:\.backup)?|.*\.tfvars(?:\.json)?|\.npmrc|\.pypirc|\.htpasswd|\.git-credentials|id_(?:rsa|dsa|ecdsa|ed25519)(?:\..*)?|credentials(?:\.json)?|secrets?\.(?:json|ya?ml|toml))$/i;
const secretEndings = /\.(?:pem|key|p12|pfx|jks|keystore|kdbx|gpg|ppk|crt|cer|der|ovpn)$/i;
/** Examples without values are made to be read. */
const harmless = /^\.env\.(?:example|sample|template|dist)$/i;
const lockFiles =
  /^(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|poetry\.lock|uv\.lock|pipfile\.lock|cargo\.lock|composer\.lock|gemfile\.lock|go\.sum|go\.work\.sum|flake\.lock|pdm\.lock|bun\.lockb?|deno\.lock|mix\.lock|podfile\.lock|packages\.lock\.json|gradle\.lockfile|pubspec\.lock|package\.resolved|\.terraform\.lock\.hcl)$/i;
const generatedEndings = /(?:\.map|\.min\.(?:js|css|mjs)|\.bundle\.js|[._]pb2?\.(?:py|go)|\.g\.dart|\.snap)$/i;
const dataEndings = /\.(?:ipynb|csv|tsv|svg|log|geojson|jsonl|ndjson|po)$/i;
const binaryEndings =
  /\.(?:png|jpe?g|gif|webp|ico|bmp|tiff?|pdf|zip|gz|tgz|bz2|xz|zst|7z|rar|jar|war|class|o|a|so|dylib|dll|exe|bin|wasm|node|gguf|safetensors|onnx|pt|pth|npy|npz|parquet|sqlite3?|db|mp[34]|wav|flac|ogg|avi|mov|mkv|ttf|otf|woff2?|eot|pyc|vsix|whl)$/i;

/** The convention of Go (https://go.dev/s/generatedcode), and what other generators write at the top of a file. */
const generatedText =
  /^[^\p{L}\n]{0,8}(?:Code generated .* DO NOT EDIT\.|@generated\b.*|(?:This file (?:is|was)|File) (?:auto(?:matically)?[- ]?)generated\b.*)$/mu;

/** An armored message, key or signature: no source, and the same ending as an AsciiDoc book has. */
const armored = /^\s{0,64}-----BEGIN PGP [A-Z ]{1,40}-----/;

/** Decides by the name alone. @returns undefined: the file may be opened */
export function leftOutByName(file: string, inclusion: Inclusion = 'none'): LeftOutReason | undefined {
  const reason = ruleOfName(path.basename(file));
  return reason !== undefined && bringsIn(inclusion, reason) ? undefined : reason;
}

function ruleOfName(name: string): LeftOutReason | undefined {
  if (!harmless.test(name) && (secretNames.test(name) || secretEndings.test(name))) {
    return 'secret';
  }
  if (lockFiles.test(name) || generatedEndings.test(name)) {
    return 'generated';
  }
  if (dataEndings.test(name)) {
    return 'data';
  }
  return binaryEndings.test(name) ? 'binary' : undefined;
}

/** Decides by the content. */
export function leftOutByContent(
  bytes: Uint8Array,
  text: string,
  inclusion: Inclusion = 'none',
): LeftOutReason | undefined {
  if (bytes.subarray(0, 8192).includes(0)) {
    return 'binary';
  }
  if (inclusion !== 'confirmed' && findSecret(text) !== undefined) {
    return 'secret';
  }
  if (inclusion !== 'none') {
    return undefined;
  }
  if (armored.test(text)) {
    return 'data';
  }
  if (generatedText.test(text.slice(0, 1024))) {
    return 'generated';
  }
  return isMinified(text) ? 'minified' : undefined;
}
