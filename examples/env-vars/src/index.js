// Variables: from `env` of the handler, and at top level from "cloudflare:workers".
import { env as environment } from "cloudflare:workers";

const greeting = environment.GREETING;

export default {
  fetch(request, env) {
    return Response.json({
      greeting,
      same: greeting === env.GREETING,
      colours: env.COLOURS,
      loud: env.OPTIONS.loud,
      secret: typeof env.API_TOKEN,
    });
  },
};
