import { useState } from "react";
import { graphql } from "../generated/gql";
import type { MediumFragment, PictureFragment } from "../generated/graphql";
import { Picture } from "./Picture";

graphql(`
  fragment Medium on Media {
    kind
    altText
    image { url ...Picture }
    sources { url mimeType }
    embedUrl
  }
`);

/** All media of a product. Another variant shows its own image first; a thumbnail shows any. */
export function Gallery({ media, picked }: { media: readonly MediumFragment[]; picked: PictureFragment | null }) {
  const [chosen, setChosen] = useState<{ picked: string | undefined; position: number }>();
  const first = Math.max(0, media.findIndex(({ image }) => image?.small === picked?.small));
  const position = chosen && chosen.picked === picked?.small ? chosen.position : first;
  const shown = media[position];
  if (!shown) return <div className="gallery"><Picture image={picked} sizes="(max-width: 900px) 100vw, 40rem" first /></div>;
  return (
    <section className="gallery" aria-label="Pictures">
      <Medium medium={shown} />
      {media.length > 1 && (
        <ul className="thumbnails">
          {media.map((medium, number) => (
            <li key={medium.image?.url ?? number}>
              <button
                type="button"
                aria-label={`Picture ${number + 1} of ${media.length}`}
                aria-current={number === position}
                onClick={() => setChosen({ picked: picked?.small, position: number })}
              >
                <Picture image={medium.image} sizes="5rem" alt="" />
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** A kind that this program does not know shows its preview image. */
function Medium({ medium }: { medium: MediumFragment }) {
  switch (medium.kind) {
    case "VIDEO":
      return (
        <video className="picture" controls playsInline poster={medium.image?.large} aria-label={medium.altText ?? "Video"}>
          {medium.sources.map(({ url, mimeType }) => (
            <source key={url} src={url} type={mimeType} />
          ))}
        </video>
      );
    case "EXTERNAL_VIDEO":
      return <iframe className="picture" src={medium.embedUrl ?? ""} title={medium.altText ?? "Video"} allowFullScreen />;
    default:
      return <Picture image={medium.image} sizes="(max-width: 900px) 100vw, 40rem" first />;
  }
}
