/** Names that a source file defines and uses, by tree-sitter grammars of four languages. */

import path from 'node:path';
import type { Node, Parser } from 'web-tree-sitter';
import { EngineError } from '../../language-server/base/errors';
import { languageOfFile } from '../../language-server/base/languages';
import { openGrammars } from '../../language-server/completion/syntax/grammars';

export type SourceLanguage = 'typescript' | 'python' | 'go' | 'rust';

interface UsedName {
  readonly name: string;
  /** UTF-16 units from the start of the text. */
  readonly offset: number;
}

export interface SourceNames {
  /** Names of declarations that other files can see: functions, types, methods, fields, members, constants. */
  readonly defined: ReadonlySet<string>;
  /** Defined, or bound by a parameter, a variable or a pattern. */
  readonly bound: ReadonlySet<string>;
  /** Names in the order of the text, except those that are bound there or are part of an import. */
  readonly used: readonly UsedName[];
}

interface Grammar {
  readonly language: SourceLanguage;
  /** Node types whose field `name` (or, where said, another) is a declaration's name. */
  readonly definitions: ReadonlySet<string>;
  /** The same, if the node is at the top level of the file (or of a class). */
  readonly topLevel: ReadonlyMap<string, string>;
  /** Fields under which identifiers are bound, by node type. '*': all that is in the node. */
  readonly binders: ReadonlyMap<string, string>;
  readonly imports: ReadonlySet<string>;
  /** Parents that a top level definition may have. */
  readonly outer: ReadonlySet<string>;
}

const grammars: readonly Grammar[] = [
  {
    language: 'typescript',
    definitions: new Set([
      'function_declaration',
      'generator_function_declaration',
      'class_declaration',
      'abstract_class_declaration',
      'interface_declaration',
      'type_alias_declaration',
      'enum_declaration',
      'enum_assignment',
      'enum_body',
      'method_definition',
      'method_signature',
      'abstract_method_signature',
      'function_signature',
      'public_field_definition',
      'property_signature',
    ]),
    topLevel: new Map([['variable_declarator', 'name']]),
    binders: new Map([
      ['variable_declarator', 'name'],
      ['required_parameter', 'pattern'],
      ['optional_parameter', 'pattern'],
      ['arrow_function', 'parameter'],
      ['for_in_statement', 'left'],
      ['catch_clause', 'parameter'],
    ]),
    imports: new Set(['import_statement', 'export_specifier']),
    outer: new Set(['program', 'export_statement']),
  },
  {
    language: 'python',
    definitions: new Set(['function_definition', 'class_definition']),
    topLevel: new Map([['assignment', 'left']]),
    binders: new Map([
      ['assignment', 'left'],
      ['augmented_assignment', 'left'],
      ['parameters', '*'],
      ['lambda_parameters', '*'],
      ['for_statement', 'left'],
      ['for_in_clause', 'left'],
      ['as_pattern_target', '*'],
      ['named_expression', 'name'],
    ]),
    imports: new Set(['import_statement', 'import_from_statement', 'future_import_statement']),
    outer: new Set(['module', 'class_definition']),
  },
  {
    language: 'go',
    definitions: new Set([
      'function_declaration',
      'method_declaration',
      'type_spec',
      'type_alias',
      'field_declaration',
      'method_elem',
    ]),
    topLevel: new Map([
      ['const_spec', 'name'],
      ['var_spec', 'name'],
    ]),
    binders: new Map([
      ['short_var_declaration', 'left'],
      ['const_spec', 'name'],
      ['var_spec', 'name'],
      ['parameter_declaration', 'name'],
      ['variadic_parameter_declaration', 'name'],
      ['range_clause', 'left'],
    ]),
    imports: new Set(['import_declaration', 'package_clause']),
    outer: new Set(['source_file']),
  },
  {
    language: 'rust',
    definitions: new Set([
      'function_item',
      'function_signature_item',
      'struct_item',
      'enum_item',
      'union_item',
      'trait_item',
      'type_item',
      'const_item',
      'static_item',
      'macro_definition',
      'enum_variant',
      'field_declaration',
    ]),
    topLevel: new Map(),
    binders: new Map([
      ['let_declaration', 'pattern'],
      ['parameter', 'pattern'],
      ['closure_parameters', '*'],
      ['for_expression', 'pattern'],
      ['match_pattern', '*'],
      ['let_condition', 'pattern'],
    ]),
    imports: new Set(['use_declaration', 'mod_item', 'extern_crate_declaration']),
    outer: new Set(),
  },
];

const names = new Set([
  'identifier',
  'type_identifier',
  'property_identifier',
  'field_identifier',
  'shorthand_property_identifier',
  'shorthand_property_identifier_pattern',
  'shorthand_field_identifier',
]);

export function languageOf(file: string): SourceLanguage | undefined {
  return grammarOf(file)?.language;
}

function grammarOf(file: string): Grammar | undefined {
  // a stub only repeats the names of its module
  const id = path.extname(file) === '.pyi' ? undefined : languageOfFile(file)?.id;
  return grammars.find(({ language }) => language === id);
}

/** One parser for each language that was asked for. */
export class SourceParser {
  readonly #parsers = new Map<SourceLanguage, Promise<Parser>>();

  /** @throws EngineError BAD_ARGUMENT where the grammars are not installed */
  async names(file: string, text: string): Promise<SourceNames | undefined> {
    const grammar = grammarOf(file);
    if (grammar === undefined) {
      return undefined;
    }
    let parser = this.#parsers.get(grammar.language);
    if (parser === undefined) {
      parser = openParser(grammar.language);
      this.#parsers.set(grammar.language, parser);
    }
    const tree = (await parser).parse(text);
    if (tree === null) {
      return undefined;
    }
    try {
      return collect(tree.rootNode, grammar);
    } finally {
      tree.delete();
    }
  }
}

/** @throws EngineError BAD_ARGUMENT */
async function openParser(language: SourceLanguage): Promise<Parser> {
  try {
    const grammars = await openGrammars();
    if (grammars === undefined) {
      throw new Error('The grammars are not beside the program.');
    }
    return await grammars.parser(language);
  } catch (error) {
    throw new EngineError('BAD_ARGUMENT', `The grammar of ${language} cannot be loaded.`, {
      remedy: 'Install the extension again; in a clone of the project, run npm run setup.',
      cause: error,
    });
  }
}

interface Found {
  readonly defined: Set<string>;
  readonly bound: Set<string>;
  readonly used: UsedName[];
}

function collect(root: Node, grammar: Grammar): SourceNames {
  const found: Found = { defined: new Set(), bound: new Set(), used: [] };
  visit(root, grammar, false, found);
  return found;
}

/** @param binding under a field that binds names */
function visit(node: Node, grammar: Grammar, binding: boolean, found: Found): void {
  if (grammar.imports.has(node.type)) {
    return;
  }
  if (names.has(node.type) && node.childCount === 0) {
    if (binding || node.type === 'shorthand_property_identifier_pattern') {
      found.bound.add(node.text);
    } else {
      found.used.push({ name: node.text, offset: node.startIndex });
    }
    return;
  }
  const bindingField = grammar.binders.get(node.type);
  const definingField = definedField(node, grammar);
  for (let i = 0; i < node.childCount; i++) {
    const child = node.child(i);
    if (child === null) {
      continue;
    }
    const field = node.fieldNameForChild(i);
    if (definingField !== undefined && field === definingField && names.has(child.type)) {
      found.defined.add(child.text);
      found.bound.add(child.text);
      continue;
    }
    const binds = bindingField !== undefined && (bindingField === '*' || field === bindingField);
    // types and default values inside of a binding are uses; so are members that are assigned to
    const ends = field === 'type' || field === 'value' || field === 'return_type' || isMember(child);
    visit(child, grammar, (binding || binds) && !ends, found);
  }
}

function definedField(node: Node, grammar: Grammar): string | undefined {
  if (grammar.definitions.has(node.type)) {
    return 'name';
  }
  const field = grammar.topLevel.get(node.type);
  return field !== undefined && isTopLevel(node, grammar) ? field : undefined;
}

/** Statements and blocks between the node and the top level do not count. */
function isTopLevel(node: Node, grammar: Grammar): boolean {
  const between =
    /^(?:expression_statement|lexical_declaration|const_declaration|var_declaration|var_spec_list|block)$/;
  let parent = node.parent;
  while (parent !== null && between.test(parent.type)) {
    parent = parent.parent;
  }
  return parent !== null && grammar.outer.has(parent.type);
}

function isMember(node: Node): boolean {
  return /^(?:attribute|subscript|member_expression|subscript_expression|selector_expression|index_expression|field_expression|type)$/.test(
    node.type,
  );
}
