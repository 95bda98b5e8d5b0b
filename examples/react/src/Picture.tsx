import { graphql } from "../generated/gql";
import type { PictureFragment } from "../generated/graphql";

graphql(`
  fragment Picture on Image {
    altText
    width
    height
    small: sized(maxWidth: 400, format: WEBP)
    large: sized(maxWidth: 1200, format: WEBP)
  }
`);

interface Props {
  image: PictureFragment | null | undefined;
  /** The part of the window that it fills, as the browser needs to choose a file. */
  sizes: string;
  /** Whether it is on the first screen, and loaded before everything else. */
  first?: boolean;
  alt?: string;
}

/** An image in the size that is shown. Its space is reserved before it is loaded, so nothing moves. */
export function Picture({ image, sizes, first = false, alt }: Props) {
  if (!image) return <div className="picture" aria-hidden="true" />;
  return (
    <img
      className="picture"
      src={image.small}
      srcSet={`${image.small} 400w, ${image.large} 1200w`}
      sizes={sizes}
      width={image.width ?? 4}
      height={image.height ?? 3}
      alt={alt ?? image.altText ?? ""}
      loading={first ? "eager" : "lazy"}
      fetchPriority={first ? "high" : "auto"}
    />
  );
}
