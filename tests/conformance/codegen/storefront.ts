// A storefront that knows its documents' ids and their types, and nothing else of them.
import { CartCreateDocument, ProductListDocument, ProductPageDocument } from "./generated/graphql.js";
import type { TypedDocumentString } from "./generated/graphql.js";

interface Answer<Data> {
  data: Data;
  errors?: { message: string; extensions: { code: string } }[];
}

export function storefront(url: string, token: string) {
  return async function ask<Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables): Promise<Data> {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ documentId: `sha256:${document.__meta__?.["hash"]}`, variables }),
    });
    const { data, errors } = (await response.json()) as Answer<Data>;
    if (errors) throw new Error(errors.map((error) => error.message).join("\n"));
    return data;
  };
}

export async function visit(url: string, token: string, idempotencyKey: string): Promise<string[]> {
  const ask = storefront(url, token);
  const { products } = await ask(ProductListDocument, { channelKey: "web" });
  const [card] = products?.nodes ?? [];
  if (!card) throw new Error("there are no products");
  const page = await ask(ProductPageDocument, { channelKey: "web", handle: card.handle });
  const title: string | undefined = page.product?.title;
  const created = await ask(CartCreateDocument, { input: { channelKey: "web", idempotencyKey } });
  const refused: string[] = created.cartCreate?.userErrors.map((error) => error.message) ?? ["no answer"];
  return [...(title === card.title ? [] : [`another title: ${title}`]), ...refused];
}
