// Documents as an app with Relay has them: a query, a fragment that pages, another one of its own, and a mutation.
import { graphql } from "relay-runtime";

export const query = graphql`
  query productsQuery($first: Int!, $after: String) {
    ...products_list @arguments(first: $first, after: $after)
  }
`;

export const list = graphql`
  fragment products_list on Query
  @argumentDefinitions(first: { type: "Int", defaultValue: 10 }, after: { type: "String" })
  @refetchable(queryName: "productsPageQuery") {
    products(first: $first, after: $after, channelKey: "web") @connection(key: "products_products") {
      edges {
        node {
          id
          ...products_card
        }
      }
    }
  }
`;

export const card = graphql`
  fragment products_card on Product @refetchable(queryName: "productsCardQuery") {
    title
    variants(first: 1) {
      nodes {
        sku
        price {
          amount
          currencyCode
        }
      }
    }
  }
`;

export const create = graphql`
  mutation productsCartCreateMutation($input: CartCreateInput!) {
    cartCreate(input: $input) {
      cart {
        id
        version
      }
      userErrors {
        code
        message
      }
    }
  }
`;
