/** Files that the model never reads, and why. Rules look at the name first, so that a secret is not even opened. */

import path from 'node:path';

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
  | 'over the budget'; // of the repository's tokens

/** Bytes; larger files are data or generated. */
export const mostFileBytes = 256 * 1024;
/** Of a file that the user asked for. */
export const mostChosenBytes = 4 * 1024 * 1024;

/** What the user's word cannot bring in: it would be of no use, or do harm. */
const final: ReadonlySet<LeftOutReason> = new Set(['secret', 'binary']);

const secretNames =
  /^(?:\.env(?:\..*)?|\.envrc|\.netrc|_netrc|\.pgpass|\.my\.cnf|\.s3cfg|\.dockercfg|\.vault-token|kubeconfig|service-account.*\.json|.*\.tfstate(?:\.backup)?|.*\.tfvars(?:\.json)?|\.npmrc|\.pypirc|\.htpasswd|\.git-credentials|id_(?:rsa|dsa|ecdsa|ed25519)(?:\..*)?|credentials(?:\.json)?|secrets?\.(?:json|ya?ml|toml))$/i;
const secretEndings = /\.(?:pem|key|p12|pfx|jks|keystore|kdbx|asc|gpg|ppk|crt|cer|der|ovpn)$/i;
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

/** Well-known shapes of access tokens and private keys, each with enough of its body to be no mere mention. */
const secretText =
  /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{50,}|\bglpat-[A-Za-z0-9_-]{20,}|\bxox[abprs]-[A-Za-z0-9-]{20,}|\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}|\bAIza[0-9A-Za-z_-]{35}\b|\bnpm_[A-Za-z0-9]{36}\b|\bpypi-[A-Za-z0-9_-]{50,}|\bhf_[A-Za-z0-9]{30,}\b|\bdop_v1_[a-f0-9]{64}\b|\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}|\b[rs]k_live_[A-Za-z0-9]{20,}|\bASIA[0-9A-Z]{16}\b|\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b/;

/** By the name alone; undefined: may be opened. */
export function leftOutByName(file: string, chosen = false): LeftOutReason | undefined {
  const reason = ruleOfName(path.basename(file));
  return chosen && reason !== undefined && !final.has(reason) ? undefined : reason;
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

/** By what is in it. */
export function leftOutByContent(bytes: Uint8Array, text: string, chosen = false): LeftOutReason | undefined {
  if (bytes.subarray(0, 8192).includes(0)) {
    return 'binary';
  }
  if (secretText.test(text)) {
    return 'secret';
  }
  if (chosen) {
    return undefined;
  }
  if (generatedText.test(text.slice(0, 1024))) {
    return 'generated';
  }
  return isMinified(text) ? 'minified' : undefined;
}

/** Lines of several hundred characters on average are not written by hand. */
function isMinified(text: string): boolean {
  const lines = text.split('\n').length;
  return text.length > 2000 && text.length / lines > 300;
}
