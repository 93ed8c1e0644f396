// Addresses of IP as text.
const part = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const v4 = new RegExp(`^${part}(?:\\.${part}){3}$`);

export const is_ipv4 = (text) => v4.test(`${text}`);

export function is_ipv6(value) {
  const text = `${value}`.replace(/%[\w.-]+$/, "");
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !text.includes(":")) return false;
  const halves = text.split("::");
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === "") continue;
    const parts = half.split(":");
    const last_half = index === halves.length - 1;
    for (const [at, one] of parts.entries()) {
      if (one.includes(".")) {
        if (!last_half || at !== parts.length - 1 || !v4.test(one)) return false;
        groups += 2;
      } else if (/^[0-9a-fA-F]{1,4}$/.test(one)) {
        groups++;
      } else {
        return false;
      }
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

export const is_ip = (text) => (is_ipv4(text) ? 4 : is_ipv6(text) ? 6 : 0);

// The address as one number.
export function to_big(text) {
  if (is_ipv4(text)) return text.split(".").reduce((sum, one) => sum * 256n + BigInt(one), 0n);
  const plain = text.replace(/%.*$/, "").replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    `${(a * 256 + +b).toString(16)}:${(c * 256 + +d).toString(16)}`);
  const [head, tail] = plain.split("::").map((half) => (half === "" ? [] : half.split(":")));
  const groups = tail === undefined
    ? head
    : [...head, ...Array(8 - head.length - tail.length).fill("0"), ...tail ];
  return groups.reduce((sum, one) => sum * 65536n + BigInt(`0x${one}`), 0n);
}
