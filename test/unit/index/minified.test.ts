import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { isMinified } from '../../../language-server/index/discover/minified';

const sentences = {
  English:
    'The server keeps what it has read, and reads again only what has changed since; nobody waits for it, whatever the size of the folder is. ',
  German:
    'Der Server behält, was er gelesen hat, und liest nur das noch einmal, was sich seither geändert hat; niemand wartet darauf, so groß der Ordner auch ist. ',
  Russian:
    'Сервер хранит прочитанное и перечитывает только то, что с тех пор изменилось, каким бы большим ни был каталог. ',
  Arabic: 'يحتفظ الخادم بما قرأه، ولا يعيد قراءة إلا ما تغير منذ ذلك الحين، مهما كان حجم المجلد. ',
  Hindi: 'सर्वर जो पढ़ चुका है उसे रखता है, और केवल वही फिर से पढ़ता है जो तब से बदला है। ',
  Chinese: '服务器会保留已经读过的内容，只重新读取此后发生变化的部分；无论文件夹有多大，都没有人需要等待。',
  Japanese:
    'サーバーは読んだ内容を保持し、それ以降に変わった部分だけを読み直します。フォルダーがどれほど大きくても待つ必要はありません。',
  Thai: 'เซิร์ฟเวอร์เก็บสิ่งที่อ่านแล้วและอ่านซ้ำเฉพาะส่วนที่เปลี่ยนไปเท่านั้น',
  'Markdown with links and code':
    'Set `fasa.budget` to a number, or leave it at `auto`: see [the settings](docs/settings.md#budget) and *the notes* for what that means in **your** case. ',
  LaTeX:
    'The attention of a head is a softmax of its logits, $a_n = \\exp(q k_n)$, over all tokens that the query may see, as \\cite{vaswani} has it. ',
  'HTML prose':
    '<p>The server keeps what it has read, and reads again only what has changed since; nobody waits for it, <em>whatever</em> the size of the folder is.</p> ',
};

function ofLength(unit: string, chars: number): string {
  return unit.repeat(Math.ceil(chars / unit.length)).slice(0, chars);
}

describe('prose', () => {
  test('in four paragraphs of 709 characters, one line each, is not minified', () => {
    const paragraph = ofLength(sentences.English, 709);
    expect(isMinified(Array.from({ length: 4 }, () => paragraph).join('\n\n'))).toBe(false);
  });

  test.each(Object.entries(sentences))('in long lines is not minified: %s', (_, sentence) => {
    expect(isMinified(Array.from({ length: 5 }, () => ofLength(sentence, 1500)).join('\n'))).toBe(false);
  });

  const documents = [
    'README.md',
    'NOTICE',
    ...readdirSync('docs')
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ];
  test.each(documents.filter((file) => readFileSync(file).length > 2500))(
    'of a document whose paragraphs are joined is not minified: %s',
    (file) => {
      // paragraphs of words alone: tables, lists and listings have lines of their own whoever writes them
      const paragraphs = readFileSync(file, 'utf8')
        .split(/\n{2,}/)
        .filter((paragraph) => /^[A-Z]/.test(paragraph) && !/\n[-|#` ]/.test(paragraph))
        .map((paragraph) => paragraph.replaceAll('\n', ' '));
      expect(isMinified(ofLength(`${paragraphs.join('\n')}\n`, 6000))).toBe(false);
    },
  );
});

describe('a bundle', () => {
  const modules = path.resolve('node_modules');
  test.each(['uplot/dist/uPlot.iife.min.js', 'dompurify/dist/purify.min.js', 'axe-core/axe.min.js'])(
    'is minified, whatever its name is: %s',
    (file) => {
      // licences stand in front of some
      const text = readFileSync(path.join(modules, file), 'utf8').replace(/^\s*\/\*[\s\S]*?\*\//, '');
      expect(isMinified(ofLength(text, 200_000))).toBe(true);
    },
  );

  const rows = Array.from({ length: 300 }, (_, index) => ({ id: index, name: `Row ${index}`, on: index % 2 === 0 }));
  test.each([
    ['JSON on one line', JSON.stringify(rows)],
    ['JSON with blanks on one line', JSON.stringify(rows, null, 1).replaceAll('\n', ' ')],
    ['numbers', Array.from({ length: 2000 }, (_, index) => index * 37).join(', ')],
    ['base64', Buffer.from(ofLength('some text that is encoded', 6000)).toString('base64')],
    ['a path of SVG', ofLength('M10.5 20.25L30 40.75C1 2 3 4 5 6Z', 4000)],
    ['HTML without text', ofLength('<div class="row"><span id="a1"></span><br/></div>', 5000)],
    ['CSS', ofLength('.a{color:#fff;margin:0 auto}.b>.c:hover{display:none}', 5000)],
    ['SQL rows', ofLength("INSERT INTO t VALUES (1,'a','b',3.14,NULL),(2,'c','d',2.71,NULL);", 5000)],
  ])('is minified: %s', (_, text) => {
    expect(isMinified(text)).toBe(true);
  });
});
