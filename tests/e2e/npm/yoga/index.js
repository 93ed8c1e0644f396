import { createSchema, createYoga } from "graphql-yoga";

const yoga = createYoga({
  schema: createSchema({
    typeDefs: "type Query { hello(name: String!): String, fails: Int }",
    resolvers: { Query: {
      hello: (_, { name }) => `hello ${name}`,
      fails() {
        throw new Error("hidden");
      },
    } },
  }),
  logging: false,
});

export default { fetch: (request, env, ctx) => yoga.fetch(request, env, ctx) };
