/** Reads from a syntax tree what fits at a cursor. Trees of unfinished programs have errors, so it asks few questions. */

interface SyntaxNode {
  readonly type: string;
  readonly startIndex: number;
  readonly endIndex: number;
  readonly parent: SyntaxNode | null;
  readonly namedChildren: readonly (SyntaxNode | null)[];
  descendantForIndex(start: number, end?: number): SyntaxNode | null;
}

export interface SyntaxShape {
  readonly lines: 'one' | 'block';
  /** The line opens a block by a word (`do`, `then`) and not by its last character. */
  readonly opens?: boolean;
  readonly inside: 'comment' | 'string' | 'list' | 'statement' | 'block';
}

const comment = /comment/;
const text = /string|char_literal|character_literal|heredoc|template|regex|quoted/;
/** Code that is embedded in a string. */
const code = /interpolation|substitution|embedded/;
const list =
  /^(?:arguments?|argument_list|parameters|formal_parameters|parameter_list|array|list|tuple|object|dictionary|set|literal_value|initializer_list|array_creation_expression|hash|token_tree|named_imports|import_specifier|export_clause|field_initializer_list|array_expression|bracketed_argument_list|enum_body)$/;
const container =
  /^(?:block|statement_block|compound_statement|body|body_statement|block_body|do_block|class_body|declaration_list|field_declaration_list|interface_body|object_type|module|program|source_file|translation_unit|compilation_unit|stylesheet|function_body|constructor_body|switch_body|switch_block|match_block|suite|declaration|do_group|statement_list)$/;
const pythonOpener =
  /^\s*(?:async\s+)?(?:def|class|if|elif|else|for|while|try|except|finally|with|match|case)\b.*:\s*(?:#[\s\S]*)?$/;
const label = /^\s*(?:case\b.*|default\s*|public\s*|private\s*|protected\s*):\s*$/;
const wordOpeners: Readonly<Record<string, RegExp>> = {
  ruby: /^\s*(?:def|class|module|if|unless|while|until|case|begin|else|elsif|when|ensure|rescue)\b(?!.*\bend\b).*[^.,]$|\bdo(?:\s*\|[^|]*\|)?\s*$/,
  shellscript: /\b(?:then|do|else)\s*$/,
};

/** @param offset of the cursor in the source, in UTF-16 units, as the indices of the tree are */
export function shapeInTree(root: SyntaxNode, source: string, offset: number, languageId: string): SyntaxShape {
  const lineStart = source.lastIndexOf('\n', offset - 1) + 1;
  const before = source.slice(lineStart, offset).replace(/\r$/, '');
  const around = textAround(root, offset, source);
  if (around !== undefined) {
    return { lines: 'one', inside: around };
  }
  if (before.trim() === '') {
    return onBlankLine(root, source, offset);
  }
  const last = before.trimEnd().at(-1) ?? '';
  if (languageId === 'python' ? pythonOpener.test(before) : last === '{' || label.test(before)) {
    return { lines: 'block', inside: 'block' };
  }
  if (wordOpeners[languageId]?.test(before) === true) {
    return { lines: 'block', opens: true, inside: 'block' };
  }
  return { lines: 'one', inside: last === '(' || last === '[' || last === ',' ? 'list' : 'statement' };
}

/** The comment or string that the cursor is in, and not after. A line comment includes the end of its line. */
function textAround(root: SyntaxNode, offset: number, source: string): 'comment' | 'string' | undefined {
  if (offset === 0) {
    return undefined;
  }
  for (let node = root.descendantForIndex(offset - 1, offset - 1); node !== null; node = node.parent) {
    if (code.test(node.type)) {
      return undefined;
    }
    const isInside = node.startIndex < offset && offset < node.endIndex;
    if (comment.test(node.type) && node.startIndex < offset) {
      const closed = source.slice(node.startIndex, node.endIndex).trimEnd().endsWith('*/');
      return isInside || !closed ? 'comment' : undefined;
    }
    if (text.test(node.type) && isInside && !/^(?:string_start|template_type|template_argument)/.test(node.type)) {
      return /template_(?:argument|parameter|function|method|declaration|type)/.test(node.type) ? undefined : 'string';
    }
  }
  return undefined;
}

/** An item of a list is one line; a statement in a block may be several. */
function onBlankLine(root: SyntaxNode, source: string, offset: number): SyntaxShape {
  const above = lastTextBefore(source, offset);
  if (above !== undefined && '([,'.includes(source[above] ?? '')) {
    for (let node = root.descendantForIndex(above, above); node !== null; node = node.parent) {
      if (container.test(node.type)) {
        break;
      }
      if (list.test(node.type)) {
        return { lines: 'one', inside: 'list' };
      }
    }
  }
  return { lines: 'block', inside: 'block' };
}

function lastTextBefore(source: string, offset: number): number | undefined {
  for (let index = offset - 1; index >= 0; index--) {
    if (!/\s/.test(source[index] ?? '')) {
      return index;
    }
  }
  return undefined;
}
