// What astro's compiler makes of a component, rendered by its container.
import { experimental_AstroContainer as AstroContainer } from "astro/container";
import { createComponent, render } from "astro/compiler-runtime";

const Hive = createComponent((result, props) => render`<h1>hive ${props.name}</h1>`);

export default {
  async fetch(request) {
    const container = await AstroContainer.create();
    return new Response(await container.renderToString(Hive, { props: { name: new URL(request.url).pathname.slice(1) } }));
  },
};
