import { SignJWT, jwtVerify } from "jose";

const secret = new TextEncoder().encode("a secret of thirty-two bytes or so");

export default {
  async fetch() {
    const token = await new SignJWT({ hive: 1 }).setProtectedHeader({ alg: "HS256" }).setSubject("bee").sign(secret);
    const { payload } = await jwtVerify(token, secret);
    const [head, body, mark] = token.split(".");
    const refused = await jwtVerify(`${head}.${body}.${mark.slice(1)}A`, secret).catch((error) => error.code);
    return Response.json({ payload, refused });
  },
};
