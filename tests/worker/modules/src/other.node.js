module.exports = { name: "other", loads: (globalThis.loads = (globalThis.loads ?? 0) + 1) };
