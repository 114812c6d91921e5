// What index.d.ts declares, read with the compiler's own parser.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const ts = require('typescript');

const ROOT = path.join(__dirname, '..', '..', '..');

function parse(name) {
  const file = path.join(ROOT, name);
  return ts.createSourceFile(file, fs.readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
}

const commonJs = parse('index.d.ts');
const isNamed = (name) => (node) => node.name?.text === name;

const theClass = commonJs.statements.find(ts.isClassDeclaration);
const inner = commonJs.statements.find(ts.isModuleDeclaration).body.statements;

/** `[{ name, type, doc }]` of an interface's own members; `doc` without the comment's asterisks. */
function membersOf(name) {
  const found = inner.filter(ts.isInterfaceDeclaration).find(isNamed(name));
  return found.members.map((member) => ({
    name: nameOf(member),
    type: member.type.getText(),
    literals: literalsOf(member.type),
    doc: docOf(member),
    defaultText: defaultOf(member),
  }));
}

/** Of an index signature there is only the name of its parameter. */
const nameOf = (member) => (member.name ?? member.parameters[0].name).text;

/** The strings among the members of a union; none of any other type. */
function literalsOf(type) {
  const parts = ts.isUnionTypeNode(type) ? type.types : [];
  return parts.flatMap((one) => one.literal?.text ?? []);
}

function docOf(node) {
  const comments = ts.getJSDocCommentsAndTags(node).map((comment) => comment.getText());
  return comments.join('\n').replace(/^\s*\/?\*+\/?/gm, '');
}

function defaultOf(node) {
  const tag = ts.getJSDocTags(node).find((one) => one.tagName.text === 'default');
  return tag && ts.getTextOfJSDocComment(tag.comment).replaceAll(/\s+/g, ' ');
}

/** The strings of a union of string literals, and its doc comment. */
function unionOf(name) {
  const found = inner.filter(ts.isTypeAliasDeclaration).find(isNamed(name));
  return { members: literalsOf(found.type), doc: docOf(found) };
}

const methods = theClass.members.filter(ts.isMethodDeclaration).map((one) => one.name.getText());

/** By method that rejects with a code, or the constructor: `{ code: […] }`, as its comment names them. */
const rejections = Object.fromEntries(
  theClass.members
    .filter((one) => /@throws \{AnalyticsSystem\.AnalyticsError\}/.test(docOf(one)))
    .map((one) => [
      ts.isConstructorDeclaration(one) ? 'constructor' : one.name.getText(),
      { code: docOf(one).match(/\bANALYTICS_[A-Z_]+/g) ?? [] },
    ]),
);

const typeNames = inner
  .filter((one) => ts.isInterfaceDeclaration(one) || ts.isTypeAliasDeclaration(one))
  .map((one) => one.name.text);

/** Every doc comment that is missing: of methods, types and members of interfaces. */
function undocumented() {
  const nodes = [theClass, ...theClass.members, ...inner.filter((one) => one.name)];
  const members = inner.filter(ts.isInterfaceDeclaration).flatMap((one) => [...one.members]);
  return [...nodes, ...members]
    .filter((one) => docOf(one).trim() === '')
    .map((one) => one.name?.getText());
}

/** Names that index.d.mts exports as types. */
const moduleTypeNames = parse('index.d.mts')
  .statements.filter(ts.isTypeAliasDeclaration)
  .map((one) => one.name.text);

module.exports = {
  membersOf,
  unionOf,
  methods,
  rejections,
  typeNames,
  moduleTypeNames,
  undocumented,
};
