// What the tests below need of a library.
export function check(condition, message) {
  if (!condition) throw new Error(message ?? "the check failed");
}

export function same(actual, expected, message = "") {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${message} expected ${b}, got ${a}`);
}

export async function refused(action, name, part = "") {
  let error;
  try {
    await action();
  } catch (thrown) {
    error = thrown;
  }
  check(error !== undefined, `${name} was expected`);
  check(error.name === name, `${name} was expected, not ${error.name}: ${error.message}`);
  check(error.message.includes(part), `"${part}" is not in "${error.message}"`);
}
