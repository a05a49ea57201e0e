/** What a TypeScript file imports and which globals it uses, read from its syntax tree. */
import { parseAst } from 'vite'

export interface Import {
  specifier: string
  /** Names imported, as the other module calls them. */
  names: string[]
}

export interface Syntax {
  imports: Import[]
  /** Globals used as values: `Date`, `fetch`; a member's or method's access with it, as in `Math.random`. */
  globals: Set<string>
  async: boolean
}

interface Node {
  type: string
  [key: string]: unknown
}

/** Parts of a node that hold types, labels or names, and no values. */
const skippedKeys = new Set([
  'typeAnnotation',
  'typeParameters',
  'typeArguments',
  'returnType',
  'superTypeArguments',
  'label',
])

/** TypeScript's nodes that wrap a value. */
const valueWrappers = new Set([
  'TSAsExpression',
  'TSNonNullExpression',
  'TSSatisfiesExpression',
  'TSTypeAssertion',
])

/** Parses a file. A name declared anywhere in it is not taken for a global. */
export function readSyntax(path: string, source: string): Syntax {
  const root = parseAst(source, { lang: path.endsWith('x') ? 'tsx' : 'ts' }) as unknown as Node
  const imports: Import[] = []
  const used = new Set<string>()
  const declared = new Set<string>()
  let asynchronous = false
  visit(root, undefined, undefined, (node, parent, key) => {
    if (node.async === true || node.type === 'AwaitExpression') asynchronous = true
    const imported = importOf(node)
    if (imported) imports.push(imported)
    if (node.type !== 'Identifier') return
    const name = node.name as string
    if (isDeclaration(parent, key)) declared.add(name)
    else if (isValue(parent, key)) {
      used.add(name)
      const member = memberUsed(node, parent)
      if (member) used.add(member)
    }
  })
  const globals = new Set([...used].filter((name) => !declared.has(name.split('.')[0]!)))
  return { imports, globals, async: asynchronous }
}

const testFunctions = new Set(['it', 'test', 'describe'])

/** The titles of a test file's tests and suites, and the texts of the tables that some titles come from. */
export function readTitles(source: string): Set<string> {
  const titles = new Set<string>()
  const root = parseAst(source, { lang: 'ts' }) as unknown as Node
  visit(root, undefined, undefined, (node) => {
    if (node.type !== 'CallExpression' || !isTestFunction(node.callee as Node)) return
    for (const argument of node.arguments as Node[]) {
      if (!argument.type.endsWith('FunctionExpression')) collectTexts(argument, titles)
    }
  })
  return titles
}

/** `it`, `it.each(…)` and their like, but for those that are skipped. */
function isTestFunction(callee: Node): boolean {
  if (callee.type === 'Identifier') return testFunctions.has(callee.name as string)
  if (callee.type === 'CallExpression') return isTestFunction(callee.callee as Node)
  if (callee.type !== 'MemberExpression') return false
  const { name } = callee.property as Node
  return name !== 'skip' && name !== 'todo' && isTestFunction(callee.object as Node)
}

function collectTexts(node: Node, texts: Set<string>): void {
  visit(node, undefined, undefined, ({ type, value, quasis }) => {
    if (type === 'Literal' && typeof value === 'string') texts.add(value)
    const [only, ...others] = type === 'TemplateLiteral' ? (quasis as { value: { cooked: string } }[]) : []
    if (only !== undefined && others.length === 0) texts.add(only.value.cooked)
  })
}

/** The texts of a file, each value in one as `?`. */
export function readTexts(path: string, source: string): string[] {
  const root = parseAst(source, { lang: path.endsWith('x') ? 'tsx' : 'ts' }) as unknown as Node
  const texts: string[] = []
  visit(root, undefined, undefined, ({ type, value, quasis }) => {
    if (type === 'Literal' && typeof value === 'string') texts.push(value)
    if (type === 'TemplateLiteral')
      texts.push((quasis as { value: { cooked: string } }[]).map((part) => part.value.cooked).join('?'))
  })
  return texts
}

export interface Shape {
  /** Of the declaration that it is, or is a part of; undefined: it is written where it is used. */
  name: string | undefined
  members: string[]
}

/** The shapes of objects that a file's types spell out: interfaces, and types in braces. */
export function readShapes(path: string, source: string): Shape[] {
  const shapes: Shape[] = []
  const walk = (node: Node, name: string | undefined): void => {
    const declared = declarations.has(node.type) ? ((node.id as Node).name as string) : undefined
    const own = declared ?? (carriers.has(node.type) ? name : undefined)
    const members = membersOf(node)
    if (members !== undefined) shapes.push({ name: own, members: members.map(keyOf) })
    for (const child of childrenOf(node)) walk(child, own)
  }
  walk(parseAst(source, { lang: path.endsWith('x') ? 'tsx' : 'ts' }) as unknown as Node, undefined)
  return shapes
}

const declarations = new Set(['TSTypeAliasDeclaration', 'TSInterfaceDeclaration'])

/** What a declaration may wrap around a shape that is still its own: `A & { … }`. */
const carriers = new Set(['TSIntersectionType', 'TSTypeLiteral', 'TSInterfaceBody'])

function membersOf({ type, members, body }: Node): Node[] | undefined {
  const all = type === 'TSTypeLiteral' ? members : type === 'TSInterfaceBody' ? body : undefined
  return all as Node[] | undefined
}

function keyOf({ key }: Node): string {
  const { name, value } = (key ?? {}) as { name?: string; value?: string }
  return name ?? value ?? ''
}

function childrenOf(node: Node): Node[] {
  return Object.values(node)
    .flat()
    .filter((child): child is Node => typeof (child as Node | null)?.type === 'string')
}

type Visitor = (node: Node, parent: Node | undefined, key: string | undefined) => void

function visit(node: Node, parent: Node | undefined, key: string | undefined, visitor: Visitor): void {
  visitor(node, parent, key)
  const typesOnly = node.type.startsWith('TS') && !valueWrappers.has(node.type)
  for (const [childKey, child] of Object.entries(node)) {
    if (skippedKeys.has(childKey) || typesOnly) continue
    for (const one of Array.isArray(child) ? child : [child]) {
      if (one && typeof (one as Node).type === 'string') visit(one as Node, node, childKey, visitor)
    }
  }
}

function importOf(node: Node): Import | undefined {
  const source = node.source as { value?: unknown } | null | undefined
  if (typeof source?.value !== 'string') return undefined
  const specifiers = (node.specifiers ?? []) as { imported?: { name?: string }; local?: { name?: string } }[]
  const names = specifiers.map(({ imported, local }) => imported?.name ?? local?.name ?? '*')
  return { specifier: source.value, names }
}

function isDeclaration(parent: Node | undefined, key: string | undefined): boolean {
  switch (parent?.type) {
    case 'VariableDeclarator':
    case 'ClassDeclaration':
      return key === 'id'
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return key === 'id' || key === 'params'
    case 'ImportSpecifier':
    case 'ImportDefaultSpecifier':
    case 'ImportNamespaceSpecifier':
      return key === 'local'
    case 'AssignmentPattern':
      return key === 'left'
    case 'CatchClause':
      return key === 'param'
    case 'RestElement':
    case 'ArrayPattern':
      return true
    default:
      return false
  }
}

function isValue(parent: Node | undefined, key: string | undefined): boolean {
  if (parent?.computed === true) return true
  if (parent?.type === 'MemberExpression') return key === 'object'
  // Keys of objects and classes; a shorthand `{ fetch }` uses the name as its value too.
  if (key === 'key') return false
  return parent?.type !== 'ImportSpecifier' && parent?.type !== 'ExportSpecifier'
}

/** `Math.random` for the `Math` in it; `new Date()` for a Date without arguments. */
function memberUsed(node: Node, parent: Node | undefined): string | undefined {
  if (parent?.type === 'MemberExpression') {
    const property = parent.property as Node
    return property.type === 'Identifier' ? `${node.name}.${property.name}` : undefined
  }
  const called = parent?.type === 'NewExpression' || parent?.type === 'CallExpression'
  if (called && parent.callee === node && (parent.arguments as unknown[]).length === 0)
    return `${node.name}.()`
  return undefined
}
