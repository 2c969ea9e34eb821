"""Check the five rules of this house that a linter cannot know.

    python tools/house_rules.py [FILE ...]

Prints ``path:line: rule: what to do`` for each breach and exits 1 if there is one. A
breach that is right is allowed by a comment on its first or last line, or on the line
above it, and the reason is part of the comment:

    # house: allow state-by-advance because many rows move by one statement
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APPS = (
    "accounts",
    "batches",
    "batchrouter",
    "billing",
    "catalog",
    "console",
    "routing",
)

# The catalog is everybody's, and routing knows no org; other selectors start from one.
PUBLIC_SELECTORS = ("catalog/", "routing/")
# An org, or a row that was read through one.
SCOPES = frozenset({"org", "org_id", "batch", "quote", "reservation"})
PUBLIC_READS: Mapping[str, str] = {
    "linked_file": "a signed link stands for the login",
}

_ALLOW = re.compile(
    r"#\s*house:\s*allow\s+(?P<rule>[\w-]+)\s+because\s+(?P<why>\S.{9,})"
)
_ALLOW_ATTEMPT = re.compile(r"#\s*house:")
_SQL_STATE = re.compile(r"\bset\s+(\w+\s*=[^,]*,\s*)*state\s*=", re.IGNORECASE)
_SQL_POSTING = re.compile(
    r"\b(insert\s+into|update|delete\s+from)\s+\"?billing_posting\b", re.IGNORECASE
)

Finding = tuple[ast.stmt | ast.expr, str]


@dataclass(frozen=True)
class Breach:
    """One place that breaks a rule."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class Rule:
    """A rule: where it holds, and how to find what breaks it."""

    name: str
    holds_in: Callable[[str], bool]
    find: Callable[[ast.Module], Iterator[Finding]]


def jobs_by_name(tree: ast.Module) -> Iterator[Finding]:
    """Find messages sent past ``kit/jobs.py``: before the commit, or with rows."""
    for call in _calls(tree):
        if _method(call) in {"delay", "apply_async", "send_task", "delay_on_commit"}:
            yield call, "ask for the job by name: kit.jobs.enqueue_on_commit(Job.X, …)"


def state_by_advance(tree: ast.Module) -> Iterator[Finding]:
    """Find states written past their table."""
    message = "move it by its table: row.advance(to, at=now)"
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            if any(_is_state(target) for target in _targets(node)):
                yield node, message
        elif isinstance(node, ast.Call) and _updates_state(node):
            yield node, message
    for text in _texts(tree):
        if _SQL_STATE.search(_plain(text)):
            yield text, message


def postings_one_writer(tree: ast.Module) -> Iterator[Finding]:
    """Find postings written outside the ledger."""
    message = "only billing/ledger.py writes postings: call ledger.post"
    writes = {"create", "bulk_create", "get_or_create", "update_or_create"}
    changes = {"update", "delete", "bulk_update"}
    for call in _calls(tree):
        made = isinstance(call.func, ast.Name) and call.func.id == "Posting"
        written = _method(call) in writes | changes and _speaks_of_postings(call.func)
        if made or written:
            yield call, message
    for text in _texts(tree):
        if _SQL_POSTING.search(_plain(text)):
            yield text, message


def no_float_money(tree: ast.Module) -> Iterator[Finding]:
    """Find arithmetic that can lose a nano-dollar."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield node, "whole numbers only: kit.money.ceil_div or //"
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "float"
        ):
            yield node, "whole numbers only: never a float near money"


def scoped_reads(tree: ast.Module) -> Iterator[Finding]:
    """Find selectors that start neither from an org nor from a row of one."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_") or node.name in PUBLIC_READS:
            continue
        names = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args]]
        if not names or names[0] not in SCOPES:
            yield node, f"{node.name} takes the org first, or is listed in PUBLIC_READS"


def _except_in(*exempt: str) -> Callable[[str], bool]:
    return lambda path: path not in exempt


def _about_money(path: str) -> bool:
    files = ("catalog/pricing.py", "batchrouter/kit/money.py")
    return path.startswith("billing/") or path in files


def _org_selectors(path: str) -> bool:
    is_selector = path.endswith("/selectors.py") or "/selectors/" in path
    return is_selector and not path.startswith(PUBLIC_SELECTORS)


RULES = (
    Rule("jobs-by-name", _except_in("batchrouter/kit/jobs.py"), jobs_by_name),
    Rule("state-by-advance", _except_in("batchrouter/kit/states.py"), state_by_advance),
    Rule("postings-one-writer", _except_in("billing/ledger.py"), postings_one_writer),
    Rule("no-float-money", _about_money, no_float_money),
    Rule("scoped-reads", _org_selectors, scoped_reads),
)


def check_source(path: str, source: str) -> list[Breach]:
    """Return the breaches in one file; ``path`` is relative to the root."""
    tree = ast.parse(source)
    allowed, breaches = _read_allows(path, source)
    used = set()
    for rule in RULES:
        if not rule.holds_in(path):
            continue
        for node, message in rule.find(tree):
            first, last = node.lineno, node.end_lineno
            excuse = {(line, rule.name) for line in (first - 1, first, last)} & allowed
            used |= excuse
            if not excuse:
                breaches.append(Breach(path, first, rule.name, message))
    for line, name in allowed - used:
        breaches.append(Breach(path, line, "allow", f"nothing here breaks {name}"))
    return sorted(breaches, key=lambda breach: breach.line)


def _read_allows(path: str, source: str) -> tuple[set[tuple[int, str]], list[Breach]]:
    allowed, wrong = set(), []
    names = {rule.name for rule in RULES}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or not _ALLOW_ATTEMPT.search(token.string):
            continue
        line = token.start[0]
        found = _ALLOW.search(token.string)
        if found and found["rule"] in names:
            allowed.add((line, found["rule"]))
        else:
            message = "say: # house: allow RULE because REASON"
            wrong.append(Breach(path, line, "allow", message))
    return allowed, wrong


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _targets(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> Iterator[ast.expr]:
    roots = node.targets if isinstance(node, ast.Assign) else [node.target]
    for root in roots:
        yield from root.elts if isinstance(root, ast.Tuple | ast.List) else [root]


def _is_state(target: ast.expr) -> bool:
    return isinstance(target, ast.Attribute) and target.attr == "state"


def _updates_state(call: ast.Call) -> bool:
    if _method(call) == "update":
        return any(keyword.arg == "state" for keyword in call.keywords)
    if _method(call) in {"bulk_update", "save"}:
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        lists = [v for v in given if isinstance(v, ast.List | ast.Tuple | ast.Set)]
        return any(
            isinstance(item, ast.Constant) and item.value == "state"
            for fields in lists
            for item in fields.elts
        )
    return False


def _speaks_of_postings(expression: ast.expr) -> bool:
    """Tell whether a chain like ``Posting.objects.filter(…).update`` is about them."""
    return any(
        (isinstance(node, ast.Name) and node.id == "Posting")
        or (
            isinstance(node, ast.Attribute) and node.attr in {"postings", "posting_set"}
        )
        for node in ast.walk(expression)
    )


def _texts(tree: ast.AST) -> Iterator[ast.JoinedStr | ast.Constant]:
    """Yield every string once: a formatted one as a whole, docstrings not at all."""
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside.update(id(part) for part in ast.walk(node) if part is not node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inside.add(id(node.value))
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr | ast.Constant) or id(node) in inside:
            continue
        if isinstance(node, ast.JoinedStr) or isinstance(node.value, str):
            yield node


def _plain(text: ast.JoinedStr | ast.Constant) -> str:
    if isinstance(text, ast.Constant):
        return str(text.value)
    parts = (v.value if isinstance(v, ast.Constant) else "?" for v in text.values)
    return "".join(str(part) for part in parts)


def _our_files() -> Iterator[Path]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def main(names: Iterable[str]) -> int:
    """Check the files named, or all of ours."""
    files = [Path(name).resolve() for name in names] or list(_our_files())
    breaches = [
        breach
        for file in files
        for breach in check_source(file.relative_to(ROOT).as_posix(), file.read_text())
    ]
    for breach in breaches:
        sys.stdout.write(f"{breach}\n")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
