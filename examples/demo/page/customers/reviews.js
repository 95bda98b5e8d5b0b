/* Reviews: customers who may be the same, until a person decides. */
import { element } from "/storefront/dom.js";
import { DECIDE, REVIEWS } from "./documents.js";
import { mutate, query } from "./gateway.js";
import { createCustomerLine, createDecisionForm, createEvidenceList } from "./page.js";

const list = document.getElementById("reviews");

/* Shows the open reviews. `onDecided` is called after a decision, with a text and the customer to show. */
export async function showReviews(onDecided) {
  const { customerReviews } = await query(REVIEWS);
  const reviews = customerReviews.nodes.map((review) => createReview(review, onDecided));
  list.replaceChildren(...(reviews.length ? reviews : [element("p", {}, "No reviews are open.")]));
}

function createReview(review, onDecided) {
  const decide = (same) => async (note, proved) => {
    const input = { reviewId: review.id, same, proved: same && proved, note: note || null };
    const { customer } = await mutate(DECIDE, input);
    const text = same ? "They are one customer now." : "They stay different customers.";
    await onDecided(text, customer?.id ?? review.customers[0].id);
  };
  const actions = { "Same person": decide(true), "Different people": decide(false) };
  return element(
    "section",
    { class: "review", "aria-label": "Review", "data-review": review.id },
    element("p", {}, review.reason),
    review.customers.map((customer) => createCustomerLine(customer)),
    createEvidenceList(review.evidence),
    createDecisionForm("Decision", actions, { proof: true, required: false }),
  );
}
