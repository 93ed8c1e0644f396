import { StringOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { FakeListChatModel } from "@langchain/core/utils/testing";

export default {
  async fetch() {
    const prompt = ChatPromptTemplate.fromMessages([["system", "You count {what}."], ["human", "How many?"]]);
    const chain = prompt.pipe(new FakeListChatModel({ responses: ["forty-two"] })).pipe(new StringOutputParser());
    const messages = await prompt.formatMessages({ what: "bees" });
    const pieces = [];
    for await (const piece of await chain.stream({ what: "bees" })) pieces.push(piece);
    return Response.json({ system: messages[0].content, answer: await chain.invoke({ what: "bees" }), pieces: pieces.length });
  },
};
