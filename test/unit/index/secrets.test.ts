import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Choices } from '../../../language-server/index/discover/choices';
import { leftOutByContent, leftOutByName } from '../../../language-server/index/discover/left-out';
import { findSecret } from '../../../language-server/index/discover/secrets';

const digits = '0123456789';
const small = 'abcdefghijklmnopqrstuvwxyz';
const capitals = small.toUpperCase();
const base62 = digits + small + capitals;
const base64url = `${base62}_-`;
const hex = digits + small.slice(0, 6);

/** Characters from a seed, as even as a generator of tokens draws them. */
function random(seed: string, alphabet: string, length: number): string {
  let text = '';
  for (let block = 0; text.length < length; block++) {
    for (const byte of createHash('sha256').update(`${seed} ${block}`).digest()) {
      // bytes beyond the last whole multiple would make some characters likelier
      if (byte < 256 - (256 % alphabet.length) && text.length < length) {
        text += alphabet[byte % alphabet.length];
      }
    }
  }
  return text;
}

/** By kind: a token as its issuer makes it. The beginnings stand apart, so that no scanner takes this file for one. */
const issuers: Readonly<Record<string, (seed: string) => string>> = {
  'AWS access key ID': (seed) => ['AK', 'IA', random(seed, `${capitals}234567`, 16)].join(''),
  'AWS temporary key ID': (seed) => ['AS', 'IA', random(seed, `${capitals}234567`, 16)].join(''),
  'AWS secret access key': (seed) => `aws_secret_access_key = ${random(seed, `${base62}/+`, 40)}`,
  'GitHub personal token': (seed) => ['gh', 'p_', random(seed, base62, 36)].join(''),
  'GitHub fine-grained token': (seed) =>
    ['github', '_pat_', random(seed, base62, 22), '_', random(seed, base62, 59)].join(''),
  'GitLab token': (seed) => ['gl', 'pat-', random(seed, base64url, 20)].join(''),
  'Slack bot token': (seed) =>
    [
      'xo',
      'xb-',
      random(`${seed}a`, digits, 12),
      '-',
      random(`${seed}b`, digits, 12),
      '-',
      random(seed, base62, 24),
    ].join(''),
  'OpenAI key': (seed) => ['sk', '-proj-', random(seed, base64url, 48)].join(''),
  'Anthropic key': (seed) => ['sk', '-ant-api03-', random(seed, base64url, 93)].join(''),
  'Google API key': (seed) => ['AI', 'za', random(seed, base64url, 35)].join(''),
  'npm token': (seed) => ['np', 'm_', random(seed, base62, 36)].join(''),
  'PyPI token': (seed) => ['py', 'pi-', random(seed, base64url, 120)].join(''),
  'Hugging Face token': (seed) => ['h', 'f_', random(seed, base62, 34)].join(''),
  'DigitalOcean token': (seed) => ['dop', '_v1_', random(seed, hex, 64)].join(''),
  'SendGrid key': (seed) => ['S', 'G.', random(seed, base64url, 22), '.', random(`${seed}b`, base64url, 43)].join(''),
  'Stripe key': (seed) => ['sk', '_live_', random(seed, base62, 24)].join(''),
  'Shopify token': (seed) => ['shp', 'at_', random(seed, hex, 32)].join(''),
  'Telegram bot token': (seed) => [random(seed, '123456789', 9), ':A', 'A', random(seed, base64url, 33)].join(''),
  'Azure storage key': (seed) => ['Account', 'Key=', random(seed, `${base62}+/`, 86), '=='].join(''),
  'password of a database': (seed) => ['postgres://app:', random(seed, base62, 24), '@db.example.org/app'].join(''),
};

const perIssuer = 200;

describe('a token', () => {
  test.each(Object.entries(issuers))('is found wherever it stands: %s', (kind, make) => {
    const frames = [
      (token: string) => token,
      (token: string) => `const token = "${token}";\n`,
      (token: string) => `first\r\nTOKEN=${token}\r\nlast`,
      (token: string) => `{"a": 1, "token": '${token}'}`,
    ];
    const missed = Array.from({ length: perIssuer }, (_, index) => make(`${kind} ${index}`)).filter((token, index) => {
      return findSecret((frames[index % frames.length] ?? String)(token)) === undefined;
    });
    expect(missed).toEqual([]);
  });

  test('is named with the line that it is on', () => {
    const token = issuers['GitHub personal token']?.('line') ?? '';
    expect(findSecret(`a\nb\n  token: ${token}\n`)).toEqual({ what: 'a GitHub token', line: 3 });
  });
});

const header = (kind = '') => `-----BEGIN ${kind}PRIVATE KEY-----`;

describe('a private key', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const keys = {
    'PKCS #8': rsa.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'PKCS #1': rsa.export({ type: 'pkcs1', format: 'pem' }).toString(),
    'encrypted PKCS #8': rsa
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hidden' })
      .toString(),
    'encrypted PKCS #1': rsa
      .export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hidden' })
      .toString(),
    'an elliptic curve': generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'sec1', format: 'pem' })
      .toString(),
    'Ed25519, the shortest': generateKeyPairSync('ed25519')
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString(),
  };
  const written: Readonly<Record<string, (pem: string) => string>> = {
    'in a file of its own': (pem) => pem,
    'with Windows line ends': (pem) => pem.replaceAll('\n', '\r\n'),
    'indented in YAML': (pem) => `key: |\n${pem.replaceAll(/^/gm, '    ')}`,
    'in a JSON string': (pem) => JSON.stringify({ private_key: pem }),
    'line by line in a source': (pem) =>
      pem
        .trim()
        .split('\n')
        .map((line) => `  "${line}\\n" +`)
        .join('\n'),
    'in a list of lines': (pem) => JSON.stringify(pem.split('\n'), null, 2),
    'behind a shell prompt': (pem) => `cat <<EOF > id\n${pem}EOF\n`,
  };
  for (const [kind, pem] of Object.entries(keys)) {
    test.each(Object.entries(written))(`${kind} is found %s`, (_, write) => {
      expect(findSecret(write(pem))?.what).toBe('a private key');
    });
  }
});

describe('what only looks like a secret', () => {
  test.each([
    ['a header in a table', `HEADERS = {"${header('RSA ')}": "rsa", "${header('EC ')}": "ec"}`],
    ['a header in an expression', `const pem = /${header()}[\\s\\S]+?-----END PRIVATE KEY-----/;`],
    [
      'a header in a comparison',
      `if line.startswith("${header('OPENSSH ')}"):\n    return load_ssh_private_key(data, password)`,
    ],
    [
      'a header in documentation',
      `${header('RSA ')}\n...\n-----END RSA PRIVATE KEY-----\nThe key has to be in this form, with its lines.`,
    ],
    [
      'a header with a gap to fill',
      `${header()}\n<paste the contents of your private key file here>\n-----END PRIVATE KEY-----`,
    ],
    ['a template of a key', `fmt.Sprintf("${header('EC ')}\\n%s\\n-----END EC PRIVATE KEY-----\\n", encoded)`],
    [
      'both marks of a format',
      `const begin = '${header()}';\nconst end = '-----END PRIVATE KEY-----';\nexport function decodePrivateKeyInformation(text: string): Uint8Array {`,
    ],
    ['the key ID of the AWS manual', ['aws_access_key_id = AK', 'IAIOSFODNN7EXAMPLE'].join('')],
    ['another of its key IDs', ['"AK', 'IAI44QH8DHBEXAMPLE"'].join('')],
    ['the secret key of the AWS manual', 'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
    ['a key ID that counts', ['AK', 'IA1234567890123456'].join('')],
    ['a CSS class', '.sk-folding-cube-with-rounded-corners-large .sk-cube { float: left; }'],
    ['a long name with dashes', 'sk-Some-Very-Long-Component-Name-For-The-Navigation-2-columns'],
    ['a name in camel case', ['np', 'm_configPackageManagerCacheFolderPath'].join('')],
    ['a name with underscores', ['h', 'f_transformersModelConfigurationUtilities'].join('')],
    ['a token of one character', ['gh', 'p_', 'x'.repeat(36)].join('')],
    ['a token that counts', ['gh', 'p_', '0123456789abcdefghijklmnopqrstuvwxyz'].join('')],
    ['a gap for a token', ['github', '_pat_', 'your_personal_access_token_with_all_the_right_scopes'].join('')],
    ['a placeholder', ['sk', '-ant-', 'your-api-key-goes-here-replace-it-with-your-own-key'].join('')],
    ['the usual database of a developer', 'postgres://postgres:postgres@localhost:5432/test'],
    ['a variable in an address', ['postgres://app:', '$', '{DATABASE_PASSWORD}@db.example.org/app'].join('')],
    ['the beginning of a token alone', "if (token.startsWith('ghp_') || token.startsWith('github_pat_')) return true;"],
  ])('stays source: %s', (_, text) => {
    expect(findSecret(text)).toBeUndefined();
    expect(leftOutByContent(Buffer.from(text), text)).toBeUndefined();
  });

  test('a book in AsciiDoc is source, an armored message with the same ending is not', () => {
    const book = '= The Book\n:toc:\n\n== A chapter\n\nIt begins.\n';
    expect(leftOutByName('book/chapter.asc')).toBeUndefined();
    expect(leftOutByContent(Buffer.from(book), book)).toBeUndefined();
    const key = `-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n${random('pgp', `${base62}+/`, 640).replaceAll(/(.{64})/g, '$1\n')}=abcd\n-----END PGP PRIVATE KEY BLOCK-----\n`;
    expect(leftOutByContent(Buffer.from(key), key)).toBe('secret');
    const signature = '-----BEGIN PGP SIGNATURE-----\n\niQIzBAABCAAdFiEE\n-----END PGP SIGNATURE-----\n';
    expect(leftOutByContent(Buffer.from(signature), signature)).toBe('data');
  });
});

describe('the choice of a person', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-choices-'));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('on a secret is remembered for that file, and a choice on its folder is none on it', async () => {
    const choices = new Choices('/some/root', folder);
    await choices.set('config', 'include');
    await choices.set('config/key.ts', 'include', true);
    const again = new Choices('/some/root', folder);
    expect(again.of('config/key.ts')).toBe('include');
    expect(again.inclusion('config/key.ts')).toBe('confirmed');
    expect(again.inclusion('config/other.ts')).toBe('included');
    expect(again.inclusion('elsewhere.ts')).toBe('none');
    await again.set('config/key.ts', 'default');
    expect(again.inclusion('config/key.ts')).toBe('included');
  });

  test('brings in a secret when it is confirmed, and no sooner', () => {
    const text = issuers['npm token']?.('chosen') ?? '';
    expect(leftOutByContent(Buffer.from(text), text, 'included')).toBe('secret');
    expect(leftOutByContent(Buffer.from(text), text, 'confirmed')).toBeUndefined();
    expect(leftOutByName('.env', 'included')).toBe('secret');
    expect(leftOutByName('.env', 'confirmed')).toBeUndefined();
  });

  test('of a file that an older version kept is still read', () => {
    const choices = new Choices('/some/root', folder);
    mkdirSync(folder, { recursive: true });
    const name = createHash('sha256').update('/some/root').digest('hex').slice(0, 24);
    writeFileSync(
      path.join(folder, `${name}.json`),
      JSON.stringify({ choices: { 'a.ts': 'include', b: 'exclude', c: 'maybe' } }),
    );
    const again = new Choices('/some/root', folder);
    expect([choices.of('a.ts'), again.of('a.ts'), again.of('b/c'), again.of('c')]).toEqual([
      undefined,
      'include',
      'exclude',
      undefined,
    ]);
  });
});

/** Beginnings that hold an expression in the air, as long as the largest file that is read. */
test.each([
  ['headers', header('RSA ')],
  ['beginnings of tokens', 'ghp_ AKIA glpat- sk- '],
  ['one long token', 'a'],
  ['one long word with dashes', 'sk-make-'],
  ['addresses', 'postgres://a:'],
  ['fields of a key', `${header()}\nA: b\n`],
  ['quotes after a header', `${header()}${'"'.repeat(500)}`],
  ['names of a secret key', 'aws secret '],
])(
  'a text of 4 MB is looked through in bounded work: %s',
  (_, unit) => {
    const text = unit.repeat(Math.ceil((4 * 1024 * 1024) / unit.length));
    expect(findSecret(text)).toBeUndefined();
  },
  20_000,
);
