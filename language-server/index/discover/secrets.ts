/**
 * Finds secrets in a text: private keys with a body, and access tokens whose body is as random as a real one. Text that
 * only resembles a secret is source: a header in a table or an expression, an example of a manual, a CSS class that begins
 * like a token. All expressions are bounded, so a long text costs its length and no more.
 */

interface SecretFinding {
  /** As a sentence names it: "a private key", "an AWS access key ID". */
  readonly what: string;
  /** 1-based. */
  readonly line: number;
}

interface TokenShape {
  readonly what: string;
  /** Group 1 is the body. */
  readonly pattern: RegExp;
  readonly isReal: (body: string) => boolean;
}

/** Characters of a body that are judged: a longer body is as random at its beginning. */
const maxBody = 256;

const shapes: readonly TokenShape[] = [
  // base32 of 16 characters, all capitals: words decide nothing here, and the manual's own examples name themselves
  shape('an AWS access key ID', /\b(?:AKIA|ASIA)([0-9A-Z]{16})\b/g, isRandomBase32),
  shape(
    'an AWS secret access key',
    /aws.{0,20}secret.{0,24}?["'\s:=>]{1,6}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/gi,
    isRandom,
  ),
  shape('a GitHub token', /\bgh[pousr]_([A-Za-z0-9]{36,255})\b/g, isRandom),
  shape('a GitHub token', /\bgithub_pat_([A-Za-z0-9_]{50,255})/g, isRandom),
  shape('a GitLab token', /\bgl(?:pat|ptt|dt|rt|cbt|ft|imt|oas|soat|agent)-([A-Za-z0-9_-]{20,255})/g, isRandom),
  shape('a Slack token', /\bxox[abeoprs](?:\.xox[bp])?-([A-Za-z0-9-]{20,255})/g, isRandom),
  shape('a Slack token', /\bxapp-([A-Za-z0-9-]{20,255})/g, isRandom),
  shape(
    'a Slack webhook',
    /hooks\.slack\.com\/(?:services|workflows)\/[A-Z0-9]{6,16}\/[A-Z0-9]{6,16}\/([A-Za-z0-9]{20,64})/g,
    isRandom,
  ),
  shape('an API key of an AI service', /\bsk-((?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{32,255})/g, isRandom),
  shape('an API key of an AI service', /\b(?:gsk_|r8_|xai-|pplx-)([A-Za-z0-9]{37,255})\b/g, isRandom),
  shape('a Google API key', /\bAIza([0-9A-Za-z_-]{35})(?![0-9A-Za-z_-])/g, isRandom),
  shape('a Google OAuth secret', /\bGOCSPX-([0-9A-Za-z_-]{28})(?![0-9A-Za-z_-])/g, isRandom),
  shape('an npm token', /\bnpm_([A-Za-z0-9]{36})\b/g, isRandom),
  shape('a PyPI token', /\bpypi-([A-Za-z0-9_-]{50,255})/g, isRandom),
  shape('a Hugging Face token', /\bhf_([A-Za-z0-9]{30,255})\b/g, isRandom),
  shape('a DigitalOcean token', /\bdo[opr]_v1_([a-f0-9]{64})\b/g, isRandom),
  shape('a SendGrid key', /\bSG\.([A-Za-z0-9_-]{16,24}\.[A-Za-z0-9_-]{40,48})/g, isRandom),
  shape('a Stripe key', /\b[rs]k_live_([A-Za-z0-9]{20,255})/g, isRandom),
  shape('a Stripe webhook secret', /\bwhsec_([A-Za-z0-9+/]{32,255})/g, isRandom),
  shape('a Shopify token', /\bshp(?:at|ca|pa|ss)_([a-fA-F0-9]{32})\b/g, isRandom),
  shape('a Twilio key', /\bSK([0-9a-f]{32})\b/g, isRandom),
  shape('a Telegram bot token', /\b[0-9]{8,10}:AA([A-Za-z0-9_-]{33})(?![A-Za-z0-9_-])/g, isRandom),
  shape('an Azure storage key', /\bAccountKey=([A-Za-z0-9+/]{86}==)/g, isRandom),
  shape('a Databricks token', /\bdapi([a-f0-9]{32})\b/g, isRandom),
  shape('a Docker Hub token', /\bdckr_(?:pat|oat)_([A-Za-z0-9_-]{27,64})/g, isRandom),
  shape('a Vault token', /\bhv[sbr]\.([A-Za-z0-9_-]{24,255})/g, isRandom),
  shape('an age secret key', /\bAGE-SECRET-KEY-1([02-9AC-HJ-NP-Z]{58})\b/g, isRandomBase32),
  shape('a Mailgun key', /\bkey-([0-9a-f]{32})\b/g, isRandom),
  shape('a Linear key', /\blin_api_([A-Za-z0-9]{40})\b/g, isRandom),
  shape('a Grafana token', /\bgl(?:sa|c)_([A-Za-z0-9+/=_]{32,255})/g, isRandom),
  shape('a Supabase token', /\bsbp_([a-f0-9]{40})\b/g, isRandom),
  shape('a Square token', /\b(?:sq0csp-|EAAA)([A-Za-z0-9_-]{43,60})(?![A-Za-z0-9_-])/g, isRandom),
  // a password in a connection string: long and random ones alone, most others are `postgres:postgres@localhost`
  shape(
    'a password in a URL',
    /\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|https?):\/\/[^\s:@/"'`]{1,64}:([A-Za-z0-9_~.!%*-]{16,128})@/g,
    isRandom,
  ),
];

function shape(what: string, pattern: RegExp, isReal: (body: string) => boolean): TokenShape {
  return { what, pattern, isReal };
}

/** @returns the first secret of the text; undefined: there is none */
export function findSecret(text: string): SecretFinding | undefined {
  const key = privateKeyAt(text);
  if (key !== undefined) {
    return { what: 'a private key', line: lineOf(text, key) };
  }
  for (const { what, pattern, isReal } of shapes) {
    for (const match of text.matchAll(pattern)) {
      if (isReal((match[1] ?? '').slice(0, maxBody))) {
        return { what, line: lineOf(text, match.index) };
      }
    }
  }
  return undefined;
}

function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
  }
  return line;
}

const keyHeader = /-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d/g;
/** Characters after a header in which its body begins: what comes later is something else. */
const bodyWindow = 600;
/** Base64 characters of the shortest private key there is: Ed25519 in PKCS #8 takes 64. */
const minKeyChars = 60;
/** What a source puts between the lines of a key: quotes, escaped line ends, joins, comment signs, indentation. */
const betweenLines = /\\{1,4}[nrt]?|[\s"'`,+.#*()[\]>|;]+|\/\/(?=\s)/y;
/** Lines in front of the body, such as `Proc-Type: 4,ENCRYPTED`. */
const keyField = /[A-Z][A-Za-z-]{2,24}: ?[^\n\\"']{1,120}/y;
const keyLine = /[A-Za-z0-9+/=]{4,600}/y;

/** Where a private key begins that has a body: base64 as random as that of a key. */
function privateKeyAt(text: string): number | undefined {
  for (const match of text.matchAll(keyHeader)) {
    const start = match.index + match[0].length;
    const body = keyBody(text.slice(start, start + bodyWindow));
    if (body.length >= minKeyChars && isRandom(body)) {
      return match.index;
    }
  }
  return undefined;
}

/** The base64 that follows a header, however it is written into a source; '' where something else follows. */
function keyBody(text: string): string {
  let body = '';
  let at = 0;
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    at += found.length;
    return found;
  };
  while (at < text.length) {
    if (take(betweenLines) !== '') {
      continue;
    }
    if (take(keyField) !== '') {
      continue;
    }
    const line = take(keyLine);
    if (line === '') {
      break;
    }
    body += line;
  }
  return body;
}

/** Words that a body is made of where it stands for one: `your-token-here`. */
const placeholder =
  /example|sample|placeholder|redacted|changeme|replace|dummykey|your[a-z_-]{0,8}(?:key|token|secret)|insert[a-z_-]{0,8}here/i;
/**
 * The share of a body's characters in words of letters from which it is a name and no token; in a short one, chance
 * does more.
 */
const maxWordShare = { short: 0.9, long: 0.6 };
const longBody = 32;
/** The share of neighbours that count up (`0123456789abcdef`) from which a body is made up. */
const maxCountingShare = 0.5;
const minDistinct = 3;

/**
 * Whether a body consists of random letters and digits. About a fifth of such a body stands in runs that resemble words; of
 * a name, nearly all does.
 */
function isRandom(body: string): boolean {
  return (
    isVaried(body) &&
    wordShare(body) < (body.length < longBody ? maxWordShare.short : maxWordShare.long) &&
    !placeholder.test(body)
  );
}

function isRandomBase32(body: string): boolean {
  return isVaried(body) && !/EXAMPLE|SAMPLE|PLACEHOLDER|ACCESSKEY|YOUR[AKS]|DUMMY/.test(body);
}

function isVaried(body: string): boolean {
  let counting = 0;
  let run = 1;
  let longestRun = 1;
  for (let index = 1; index < body.length; index++) {
    const step = body.charCodeAt(index) - body.charCodeAt(index - 1);
    counting += step === 1 ? 1 : 0;
    run = step === 0 ? run + 1 : 1;
    longestRun = Math.max(longestRun, run);
  }
  return (
    new Set(body).size >= minDistinct &&
    counting / Math.max(1, body.length - 1) < maxCountingShare &&
    longestRun < Math.max(6, body.length / 4)
  );
}

/** Runs that can be words: small letters with a capital in front or not, or capitals between separators. */
const runs = /[A-Z]?[a-z]{3,}|(?<![A-Za-z0-9])[A-Z]{4,}(?![A-Za-z0-9])/g;
const minWordLetters = 4;
/** The share of vowels in the letters of a word; in random letters it is a fifth. */
const vowelShare = { min: 0.25, max: 0.67 };

function wordShare(body: string): number {
  let letters = 0;
  for (const [run] of body.matchAll(runs)) {
    const vowels = (run.match(/[aeiouy]/gi)?.length ?? 0) / run.length;
    const isWord = run.length >= minWordLetters && vowels >= vowelShare.min && vowels <= vowelShare.max;
    letters += isWord ? run.length : 0;
  }
  const signs = body.replace(/[A-Za-z0-9]/g, '').length;
  return letters / Math.max(1, body.length - signs);
}
