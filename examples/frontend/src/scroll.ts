// In a browser: loads the next page when the end of the list is near.
import type { Catalog } from "./catalog.js";

export function loadAtEnd(catalog: Catalog, end: Element): () => void {
  const observer = new IntersectionObserver(
    ([entry]) => {
      if (entry?.isIntersecting) void catalog.loadMore().catch(reportError);
    },
    { rootMargin: "600px" },
  );
  observer.observe(end);
  return () => observer.disconnect();
}
