/* Search for customers, and the choice of those to merge. */
import { element } from "/storefront/dom.js";
import { SEARCH, SEARCH_ORDERS } from "./documents.js";
import { query } from "./gateway.js";
import { createCustomerLine, runAction, showStatus } from "./page.js";

const form = document.getElementById("search");
const results = document.getElementById("results");

/* Opens the search. `onChoose` is called with a customer to merge. */
export function openSearch(onChoose) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    runAction([form.querySelector("button")], () => search(onChoose));
  });
}

async function search(onChoose) {
  const { by, text } = form.elements;
  const customers = await findCustomers(by.value, text.value.trim());
  results.replaceChildren(...customers.map((customer) => createResult(customer, onChoose)));
  showStatus(customers.length === 1 ? "1 customer" : `${customers.length} customers`);
}

async function findCustomers(by, text) {
  if (by === "order") return findByOrder(text);
  const { customers } = await query(SEARCH, by === "name" ? { search: text } : { filter: { [by]: text } });
  return customers.nodes;
}

/* Finds the customers of orders with exactly this number. Test orders and sales without a customer have none. */
async function findByOrder(number) {
  const { orders } = await query(SEARCH_ORDERS, { search: number });
  const found = orders.nodes.filter((order) => order.number === number && order.customer);
  return [...new Map(found.map(({ customer }) => [customer.id, customer])).values()];
}

function createResult(customer, onChoose) {
  const choose = element("button", { type: "button", onclick: () => onChoose(customer) }, "Choose to merge");
  return element("li", {}, createCustomerLine(customer, choose));
}
