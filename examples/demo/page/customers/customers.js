/* The customer page: the URL names the customer that is shown. */
import { showCustomer } from "./customer.js";
import { chooseCustomer, openMerge } from "./merge.js";
import { runAction, showStatus } from "./page.js";
import { openRequests } from "./requests.js";
import { showReviews } from "./reviews.js";
import { openSearch } from "./search.js";

function getShownId() {
  return decodeURIComponent(location.hash.slice(1));
}

async function showShown() {
  if (getShownId()) await showCustomer(getShownId(), refresh);
}

/* Shows what a decision has changed. */
async function refresh(text, customerId) {
  history.replaceState(null, "", `#${customerId}`);
  await Promise.all([showShown(), showReviews(refresh)]);
  showStatus(text);
}

openSearch(chooseCustomer);
openMerge(refresh);
window.addEventListener("hashchange", () => runAction([], showShown));
runAction([], () => Promise.all([showShown(), showReviews(refresh), openRequests()]));
